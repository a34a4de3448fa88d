/*
 * libconfuse: options, sections, includes, and its errors as "file, line, what, what is allowed".
 *
 * libconfuse looks for the title of a new section among all that it has, which takes minutes with 100,000 zones. So
 * zones are taken out of its hands one by one and given back at the end of their view.
 *
 * libconfuse keeps no line numbers for values, so every option is a pointer option whose parse
 * callback, which runs while the line is known, stores the text with its place. And it counts lines
 * wrongly where there are comments (3.3), so it reads copies of the files in which comments are blanked
 * out.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/config_text.h"

#include <confuse.h>
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Files of one configuration, and octets of one of them. */
#define FILES_MAX 64
#define FILE_SIZE_MAX (64 * 1024 * 1024)
#define COPY_PATH_MAX 40

/* A bit of cfg_opt_t.flags that libconfuse does not use: the option has been assigned to. */
#define FLAG_ASSIGNED (1 << 30)

/* A file and the copy that libconfuse reads in its place. */
struct copy {
	int fd;
	char path[COPY_PATH_MAX]; /* /proc/self/fd/N */
	char *original;		  /* absolute */
};

/* libconfuse gives its callbacks no context of ours; one configuration is read at a time. */
static struct {
	config_error_fn *error;
	void *ctx;
	unsigned count;
	struct copy copies[FILES_MAX];
	unsigned copy_count;
	/* zones of the view that is being read */
	cfg_opt_t *zone_opt; /* where they belong; NULL: there are none */
	cfg_value_t **zones;
	unsigned zone_count;
	unsigned zone_room;
} reading;

/* The name an admin knows for what libconfuse calls its file. */
static const char *original_name(const char *path)
{
	for (unsigned i = 0; i < reading.copy_count && path != NULL; i++) {
		if (strcmp(reading.copies[i].path, path) == 0) {
			return reading.copies[i].original;
		}
	}
	return path == NULL ? "" : path;
}

static void complain(const char *file, unsigned line, const char *text)
{
	reading.count++;
	reading.error(reading.ctx, original_name(file), line, text);
}

/* The end of a comment that begins at text[i], or i when none does; *open when it has no end. */
static size_t comment_end(const char *text, size_t len, size_t i, bool *open)
{
	if (text[i] == '#' || (text[i] == '/' && i + 1 < len && text[i + 1] == '/')) {
		while (i < len && text[i] != '\n') {
			i++;
		}
	} else if (text[i] == '/' && i + 1 < len && text[i + 1] == '*') {
		/* The end needs an asterisk of its own: a slash, an asterisk and a slash are a beginning only. */
		for (i += 3; i < len && !(text[i - 1] == '*' && text[i] == '/'); i++) {
		}
		*open = i >= len;
		i = *open ? len : i + 1;
	}
	return i;
}

static unsigned line_of(const char *text, size_t at)
{
	unsigned line = 1;
	for (size_t i = 0; i < at; i++) {
		line += text[i] == '\n';
	}
	return line;
}

/*
 * Comments become blanks; quotes hold none. One without end would hide what follows, and libconfuse
 * would go on hiding in the next file that it reads: it is a fault, told here.
 */
static void blank_comments(const char *path, char *text, size_t len)
{
	bool token_start = true; /* within an unquoted word '#' and '/' are ordinary */
	for (size_t i = 0; i < len;) {
		bool open = false;
		size_t end = token_start ? comment_end(text, len, i, &open) : i;
		if (open) {
			complain(path, line_of(text, i), "comment without end");
		}
		for (; i < end; i++) {
			text[i] = text[i] == '\n' ? '\n' : ' ';
		}
		if (i >= len) {
			break;
		}
		if (text[i] == '"' || text[i] == '\'') {
			char quote = text[i++];
			while (i < len && text[i] != quote) {
				i += text[i] == '\\' && i + 1 < len ? 2 : 1;
			}
			i += i < len;
			token_start = true;
			continue;
		}
		token_start = strchr(" \t\r\n{}(),=+", text[i]) != NULL;
		i++;
	}
}

/* Make the copy of a file. NULL and errno: it cannot be read. */
static const struct copy *copy_without_comments(const char *path)
{
	struct copy *copy = &reading.copies[reading.copy_count];
	FILE *in = reading.copy_count < FILES_MAX ? fopen(path, "re") : NULL;
	char *text = NULL;
	size_t len = 0;
	struct stat st;

	if (in == NULL) {
		errno = reading.copy_count < FILES_MAX ? errno : EMFILE;
		return NULL;
	}
	copy->fd = -1;
	if (fstat(fileno(in), &st) != 0) {
		goto fail;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_SIZE_MAX) {
		errno = S_ISREG(st.st_mode) ? EFBIG : S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
		goto fail;
	}
	text = malloc((size_t)st.st_size + 1);
	if (text == NULL) {
		goto fail;
	}
	len = fread(text, 1, (size_t)st.st_size, in);
	if (ferror(in)) {
		goto fail;
	}
	blank_comments(path, text, len);
	copy->fd = memfd_create("configuration", MFD_CLOEXEC);
	copy->original = strdup(path);
	if (copy->fd < 0 || copy->original == NULL || write(copy->fd, text, len) != (ssize_t)len) {
		free(copy->original);
		if (copy->fd >= 0) {
			close(copy->fd);
		}
		goto fail;
	}
	snprintf(copy->path, sizeof(copy->path), "/proc/self/fd/%d", copy->fd);
	reading.copy_count++;
	free(text);
	fclose(in);
	return copy;
fail:
	free(text);
	fclose(in);
	return NULL;
}

static void drop_copies(void)
{
	while (reading.copy_count > 0) {
		struct copy *copy = &reading.copies[--reading.copy_count];
		close(copy->fd);
		free(copy->original);
	}
}

static bool is_syntax_word(const cfg_opt_t *opt)
{
	return opt->type == CFGT_FUNC;
}

/* " (allowed here: a, b, c)" for the section at fault. */
static void append_allowed(const cfg_t *cfg, char *text, size_t size)
{
	size_t pos = strlen(text);
	const char *glue = ", allowed here: ";
	for (const cfg_opt_t *opt = cfg->opts; opt != NULL && opt->name != NULL && pos < size; opt++) {
		if (is_syntax_word(opt) || opt->name[0] == '_') { /* __unknown is libconfuse's own */
			continue;
		}
		int n = snprintf(text + pos, size - pos, "%s%s", glue, opt->name);
		pos += n < 0 ? 0 : (size_t)n;
		glue = ", ";
	}
}

BH_PRINTF(2, 0)
static void on_error(cfg_t *cfg, const char *fmt, va_list args)
{
	char text[IPC_TEXT_MAX];
	vsnprintf(text, sizeof(text), fmt, args);
	if (strncmp(text, "no such option", 14) == 0) {
		append_allowed(cfg, text, sizeof(text));
	}
	complain(cfg->filename, (unsigned)cfg->line, text);
}

static void free_value(void *p)
{
	struct config_value *value = p;
	if (value != NULL) {
		free(value->file);
		free(value->text);
		free(value);
	}
}

static int on_value(cfg_t *cfg, cfg_opt_t *opt, const char *text, void *result)
{
	/* A plain assignment empties the option before its first value; "+=" goes on with nvalues > 1. */
	if (opt->nvalues <= 1 && (opt->flags & FLAG_ASSIGNED) != 0) {
		cfg_error(cfg, "'%s' is given twice", opt->name);
		return -1;
	}
	opt->flags |= FLAG_ASSIGNED;
	struct config_value *value = calloc(1, sizeof(*value));
	if (value == NULL) {
		return -1;
	}
	value->file = strdup(original_name(cfg->filename));
	value->line = (unsigned)cfg->line;
	value->text = strdup(text);
	if (value->file == NULL || value->text == NULL) {
		free_value(value);
		return -1;
	}
	*(void **)result = value;
	return 0;
}

/*
 * include("file"): relative to the folder of the file that includes it. The file is only taken note of and
 * read after the others: libconfuse 3.3 never comes back from an include that it gave up in, so each
 * refused configuration would cost a descriptor and a level of depth until none were left.
 */
static int on_include(cfg_t *cfg, cfg_opt_t *opt, int argc, const char **argv)
{
	char here[PATH_MAX];
	char path[PATH_MAX];
	char full[PATH_MAX];
	(void)opt;

	if (argc != 1) {
		cfg_error(cfg, "include() takes one file name");
		return 1;
	}
	snprintf(here, sizeof(here), "%s", original_name(cfg->filename));
	int n = argv[0][0] == '/' ? snprintf(path, sizeof(path), "%s", argv[0])
				  : snprintf(path, sizeof(path), "%s/%s", dirname(here), argv[0]);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		cfg_error(cfg, "include: path is too long");
		return 1;
	}
	if (realpath(path, full) == NULL) {
		cfg_error(cfg, "include: cannot read '%s': %s", path, strerror(errno));
		return 1;
	}
	for (unsigned i = 0; i < reading.copy_count; i++) {
		if (strcmp(reading.copies[i].original, full) == 0) {
			cfg_error(cfg, "include: '%s' is read already", full);
			return 1;
		}
	}
	if (copy_without_comments(full) == NULL) {
		cfg_error(cfg, "include: cannot read '%s': %s", full, strerror(errno));
		return 1;
	}
	return 0;
}

/* A zone section has been read: take it, so that the next one is the first again. */
static int on_zone(cfg_t *view, cfg_opt_t *opt)
{
	(void)view;
	if (reading.zone_count == reading.zone_room) {
		unsigned room = reading.zone_room == 0 ? 16 : reading.zone_room * 2;
		cfg_value_t **zones = reallocarray(reading.zones, room, sizeof(cfg_value_t *));
		if (zones == NULL) {
			cfg_error(view, "out of memory");
			return -1;
		}
		reading.zones = zones;
		reading.zone_room = room;
	}
	reading.zone_opt = opt;
	for (unsigned i = 0; i < opt->nvalues; i++) { /* one */
		reading.zones[reading.zone_count++] = opt->values[i];
	}
	opt->nvalues = 0;
	return 0;
}

/* Give the zones back; behind them what is not complete because reading ended there. */
static void give_zones_back(void)
{
	cfg_opt_t *opt = reading.zone_opt;
	if (opt == NULL) {
		return;
	}
	unsigned rest = opt->nvalues;
	cfg_value_t **all = reallocarray(reading.zones, reading.zone_count + rest + 1u, sizeof(cfg_value_t *));
	if (all == NULL) {
		log_fatal("out of memory for the configuration");
	}
	for (unsigned i = 0; i < rest; i++) {
		all[reading.zone_count++] = opt->values[i];
	}
	free(opt->values);
	opt->values = all;
	opt->nvalues = reading.zone_count;
	reading.zone_opt = NULL;
	reading.zones = NULL;
	reading.zone_count = 0;
	reading.zone_room = 0;
}

static int on_view(cfg_t *root, cfg_opt_t *opt)
{
	(void)root;
	(void)opt;
	give_zones_back();
	return 0;
}

/* Read the first file and, in the order of their includes, the others. */
static bool parse_files(cfg_t *cfg)
{
	for (unsigned i = 0; i < reading.copy_count; i++) {
		const struct copy *copy = &reading.copies[i];
		int rc = cfg_parse(cfg, copy->path);
		if (rc != CFG_SUCCESS && reading.count == 0) {
			char text[IPC_TEXT_MAX];
			snprintf(text, sizeof(text), "cannot read the configuration: %s",
				 rc == CFG_FILE_ERROR ? strerror(errno) : "syntax error");
			complain(copy->path, rc == CFG_FILE_ERROR ? 0 : (unsigned)cfg->line, text);
		}
		if (rc != CFG_SUCCESS || reading.count > 0) {
			return false;
		}
	}
	return true;
}

#define VALUE(name) CFG_PTR_CB(name, NULL, CFGF_NODEFAULT, on_value, free_value)
#define SECTIONS (CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES)
#define VALUES(name) CFG_PTR_LIST_CB(name, NULL, CFGF_NODEFAULT, on_value, free_value)

cfg_t *config_text_parse(const char *path, config_error_fn *error, void *ctx)
{
	cfg_opt_t appliance[] = { VALUE("workers"), VALUE("state-dir"), VALUE("run-dir"), VALUE("log-level"),
				  VALUE("history-count"), VALUE("history-days"),
				  VALUE("nsid"), VALUE("identity"), VALUE("version"), CFG_END() };
	cfg_opt_t key[] = { VALUE("algorithm"), VALUE("secret-file"), CFG_END() };
	cfg_opt_t zone[] = { VALUE("file"), VALUE("overlay"), VALUES("allow-transfer"), CFG_END() };
	cfg_opt_t tcp[] = { VALUE("connections"), VALUE("connections-per-client"), VALUE("idle-timeout"),
			    VALUE("reply-timeout"), CFG_END() };
	cfg_opt_t rate[] = { VALUE("mode"),	   VALUE("responses-per-second"), VALUE("slip"),
			     VALUE("ipv4-prefix"), VALUE("ipv6-prefix"),	  VALUES("exempt"),
			     CFG_END() };
	cfg_opt_t view[] = { VALUES("listen"),
			     VALUES("interfaces"),
			     VALUES("allow-query"),
			     VALUE("zones-dir"),
			     VALUE("user"),
			     VALUE("answer-rotation"),
			     VALUE("cookies"),
			     VALUE("cookie-secret-file"),
			     VALUE("nsid"),
			     VALUE("identity"),
			     VALUE("version"),
			     CFG_SEC("rate-limit", rate, CFGF_MULTI),
			     CFG_SEC("tcp", tcp, CFGF_MULTI),
			     CFG_SEC("zone", zone, SECTIONS),
			     CFG_END() };
	cfg_opt_t stub[] = { VALUES("to"), CFG_END() };
	cfg_opt_t forward[] = { VALUES("to"), VALUE("tls"), VALUE("forward-first"), CFG_END() };
	cfg_opt_t resolver[] = { VALUES("listen"),
				 VALUES("interfaces"),
				 VALUES("allow-query"),
				 VALUE("open"),
				 VALUE("cookies"),
				 VALUE("cookie-secret-file"),
				 VALUE("internal-view"),
				 VALUES("outgoing"),
				 VALUE("root-hints"),
				 VALUE("trust-anchors"),
				 VALUES("domain-insecure"),
				 VALUE("validate-sha1"),
				 VALUE("validation-date"),
				 VALUE("cache-size"),
				 VALUE("min-ttl"),
				 VALUE("max-ttl"),
				 VALUE("max-negative-ttl"),
				 VALUE("serve-stale"),
				 VALUE("serve-stale-ttl"),
				 VALUE("prefetch"),
				 VALUE("rebind-protection"),
				 VALUES("rebind-allow"),
				 VALUE("ipv4"),
				 VALUE("ipv6"),
				 VALUE("use-0x20"),
				 VALUE("qname-minimisation"),
				 VALUE("prime-root"),
				 VALUE("use-cookies"),
				 VALUE("do-not-query-localhost"),
				 VALUE("local-wall"),
				 CFG_SEC("tcp", tcp, CFGF_MULTI),
				 CFG_SEC("stub", stub, SECTIONS),
				 CFG_SEC("forward", forward, SECTIONS),
				 CFG_END() };
	cfg_opt_t monitor[] = { VALUES("listen"), VALUES("interfaces"), VALUES("allow"), VALUES("names"), VALUE("zones"),
				VALUE("probe"), CFG_END() };
	/* Sections that may stand once are MULTI too, so that a second one is seen and refused. */
	cfg_opt_t root[] = { CFG_SEC("appliance", appliance, CFGF_MULTI),
			     CFG_SEC("key", key, SECTIONS),
			     CFG_SEC("view", view, SECTIONS),
			     CFG_SEC("resolver", resolver, CFGF_MULTI),
			     CFG_SEC("monitor", monitor, CFGF_MULTI), CFG_FUNC("include", on_include),
			     CFG_END() };

	reading.error = error;
	reading.ctx = ctx;
	reading.count = 0;
	reading.copy_count = 0;

	char full[PATH_MAX];
	char text[IPC_TEXT_MAX];
	const struct copy *copy = realpath(path, full) == NULL ? NULL : copy_without_comments(full);
	if (copy == NULL) {
		snprintf(text, sizeof(text), "cannot read the configuration: %s", strerror(errno));
		complain(path, 0, text);
		return NULL;
	}
	cfg_t *cfg = cfg_init(root, CFGF_NONE);
	if (cfg == NULL) {
		complain(full, 0, "out of memory");
		drop_copies();
		return NULL;
	}
	cfg_set_error_function(cfg, on_error);
	cfg_set_validate_func(cfg, "view|zone", on_zone);
	cfg_set_validate_func(cfg, "view", on_view);
	bool parsed = parse_files(cfg);
	give_zones_back(); /* of a view that was not read to its end */
	if (!parsed) {
		config_text_free(cfg);
		return NULL;
	}
	return cfg;
}

void config_text_free(cfg_t *cfg)
{
	cfg_free(cfg);
	drop_copies();
}

const char *config_text_file(cfg_t *section)
{
	return original_name(section->filename);
}

const struct config_value *config_text_value(cfg_t *section, const char *name)
{
	return config_text_item(section, name, 0);
}

const struct config_value *config_text_item(cfg_t *section, const char *name, unsigned i)
{
	return i < cfg_size(section, name) ? cfg_getnptr(section, name, i) : NULL;
}

unsigned config_text_count(cfg_t *section, const char *name)
{
	unsigned count = cfg_size(section, name);
	return count > 0 && cfg_getnptr(section, name, 0) == NULL ? 0 : count;
}
