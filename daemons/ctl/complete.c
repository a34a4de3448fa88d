/*
 * Candidates for the word at the cursor. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/ctl/complete.h"

#include "common/dns/rr.h"
#include "daemons/ctl/answer.h"
#include "daemons/ctl/ask.h"
#include "daemons/ctl/command.h"
#include "daemons/ctl/session.h"
#include "daemons/ctl/status.h"

#include <ctype.h>
#include <string.h>

/* Who types waits for it: an appliance that does not answer at once has no names. */
#define PATIENCE_MS 1000
#define TYPES_MAX 260

struct completing {
	FILE *out;
	complete_ask_fn *ask;
	struct options options; /* given so far */
	const char *words[COMPLETE_WORDS_MAX]; /* that are no options */
	int word_count;
	const struct option_row *pending; /* an option whose value comes next */
	const char *typed;
};

static void offer(const struct completing *c, const char *word, const char *what)
{
	size_t len = strlen(c->typed);
	if (strncmp(word, c->typed, len) == 0) {
		fprintf(c->out, "%s\t%s\n", word, what);
	}
}

/* Letters, digits and what names are made of: nothing that a shell has a meaning for. */
static bool is_harmless(const char *name)
{
	for (const char *p = name; *p != '\0'; p++) {
		if (!isalnum((unsigned char)*p) && strchr("-._/", *p) == NULL) {
			return false;
		}
	}
	return name[0] != '\0' && name[0] != '-';
}

/* --- names from the appliance ------------------------------------------------------------------------------- */

static void offer_names(const struct completing *c, bool views, bool zones)
{
	struct answer answer;
	answer_init(&answer);
	bool fine = c->ask(&c->options, &answer);
	const struct answer_table *table = fine && views ? answer_table(&answer, "view") : NULL;
	for (const struct answer_row *row = table == NULL ? NULL : table->first; row != NULL; row = row->next) {
		if (is_harmless(answer_text(row, "view"))) {
			offer(c, answer_text(row, "view"), "view");
		}
	}
	table = fine && zones ? answer_table(&answer, "zone") : NULL;
	for (const struct answer_row *row = table == NULL ? NULL : table->first; row != NULL; row = row->next) {
		char name[CTL_WORD_MAX];
		const char *text = answer_text(row, "zone");
		size_t len = strlen(text);
		if (!is_harmless(text) || len >= sizeof(name)) {
			continue;
		}
		memcpy(name, text, len + 1);
		/* As people type it; with its dot for who has typed that. */
		if (len > 1 && strcmp(c->typed, text) != 0) {
			name[len - 1] = '\0';
		}
		offer(c, name, "zone");
	}
	answer_clear(&answer);
}

static void offer_types(const struct completing *c)
{
	for (unsigned type = 1; type < TYPES_MAX; type++) {
		char text[RR_TYPE_TEXT_MAX];
		if (!rr_type_is_meta((uint16_t)type) && strncmp(rr_type_text((uint16_t)type, text), "TYPE", 4) != 0) {
			offer(c, text, "type");
		}
	}
}

static void offer_commands(const struct completing *c, const char *const *words, int count);

static void offer_kind(const struct completing *c, enum completes kind, const char *const *words, int count)
{
	switch (kind) {
	case COMPLETES_NOTHING:
		break;
	case COMPLETES_FILE:
		fputs(":file\n", c->out);
		break;
	case COMPLETES_DIRECTORY:
		fputs(":directory\n", c->out);
		break;
	case COMPLETES_ZONE:
		offer_names(c, false, true);
		break;
	case COMPLETES_VIEW:
		offer_names(c, true, false);
		break;
	case COMPLETES_VIEW_OR_ZONE:
		offer_names(c, true, true);
		break;
	case COMPLETES_TYPE:
		offer_types(c);
		break;
	case COMPLETES_COMMAND:
		offer_commands(c, words, count);
		break;
	}
}

/* --- commands and options ---------------------------------------------------------------------------------------- */

/* The first words of commands, or after one of two its second. */
static void offer_commands(const struct completing *c, const char *const *words, int count)
{
	const char *last = "";
	for (size_t i = 0; i < command_count; i++) {
		const char *name = command_rows[i].name;
		size_t first = strcspn(name, " ");
		if (count == 0) {
			char word[32];
			snprintf(word, sizeof(word), "%.*s", (int)first, name);
			if (name[first] == '\0') {
				offer(c, word, command_rows[i].help);
			} else if (strncmp(last, name, first + 1) != 0) {
				offer(c, word, "...");
			}
			last = name;
		} else if (count == 1 && name[first] == ' ' && strlen(words[0]) == first && strncmp(words[0], name, first) == 0) {
			offer(c, name + first + 1, command_rows[i].help);
		}
	}
}

static void offer_options(const struct completing *c, const struct command *command)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		const struct option_row *row = &option_rows[i];
		char text[64];
		if (command == NULL ? row->commands != NULL : !command_takes(command, (enum ctl_option)i)) {
			continue;
		}
		snprintf(text, sizeof(text), "--%s", row->name);
		offer(c, text, row->help);
		if (row->letter != 0 && c->typed[1] != '-') {
			snprintf(text, sizeof(text), "-%c", row->letter);
			offer(c, text, row->help);
		}
	}
}

/* --- reading the line ------------------------------------------------------------------------------------------------ */

static const struct option_row *find_long(const char *name, size_t len)
{
	for (int i = 0; i < OPTION_COUNT; i++) {
		if (strlen(option_rows[i].name) == len && strncmp(option_rows[i].name, name, len) == 0) {
			return &option_rows[i];
		}
	}
	return NULL;
}

static void give(struct completing *c, const struct option_row *row, const char *value)
{
	c->options.given[row - option_rows] = value;
}

static void read_letters(struct completing *c, const char *letters)
{
	for (const char *p = letters; *p != '\0'; p++) {
		for (int i = 0; i < OPTION_COUNT; i++) {
			const struct option_row *row = &option_rows[i];
			if (row->letter == 0 || row->letter != *p) {
				continue;
			}
			if (row->value == NULL) {
				give(c, row, "");
				continue;
			}
			if (p[1] != '\0') {
				give(c, row, p + 1);
			} else {
				c->pending = row;
			}
			return;
		}
	}
}

static void read_word(struct completing *c, const char *word)
{
	if (c->pending != NULL) {
		if (strcmp(word, "=") != 0) { /* bash makes a word of it */
			give(c, c->pending, word);
			c->pending = NULL;
		}
	} else if (strncmp(word, "--", 2) == 0) {
		size_t len = strcspn(word + 2, "=");
		const struct option_row *row = find_long(word + 2, len);
		if (row != NULL && row->value != NULL && word[2 + len] == '\0') {
			c->pending = row;
		} else if (row != NULL) {
			give(c, row, word[2 + len] == '\0' ? "" : word + 2 + len + 1);
		}
	} else if (word[0] == '-' && word[1] != '\0') {
		read_letters(c, word + 1);
	} else {
		c->words[c->word_count++] = word;
	}
}

/* "--socket=/ru": in zsh one word, of which the end is completed. */
static bool is_value_of_long(struct completing *c)
{
	size_t len = strcspn(c->typed, "=");
	if (strncmp(c->typed, "--", 2) != 0 || c->typed[len] != '=') {
		return false;
	}
	c->pending = find_long(c->typed + 2, len - 2);
	return true;
}

void complete_words(FILE *out, int argc, char *const *argv, complete_ask_fn *ask)
{
	struct completing c = { .out = out, .ask = ask };
	int words;
	if (argc < 1 || argc > COMPLETE_WORDS_MAX) {
		return;
	}
	for (int i = 0; i < argc - 1; i++) {
		read_word(&c, argv[i]);
	}
	c.typed = argv[argc - 1];
	if (c.pending != NULL) {
		c.typed = strcmp(c.typed, "=") == 0 ? "" : c.typed;
		offer_kind(&c, c.pending->completes, NULL, 0);
		return;
	}
	if (is_value_of_long(&c)) {
		if (c.pending != NULL && (c.pending->completes == COMPLETES_FILE || c.pending->completes == COMPLETES_DIRECTORY)) {
			offer_kind(&c, c.pending->completes, NULL, 0);
		}
		return;
	}
	const struct command *command = command_find(c.word_count, (char *const *)(uintptr_t)c.words, &words);
	if (c.typed[0] == '-') {
		offer_options(&c, command);
	} else if (command == NULL) {
		offer_commands(&c, c.words, c.word_count);
	} else {
		int place = c.word_count - words;
		if (place == 0 && command->choices != NULL) {
			offer(&c, command->choices, command->help);
		}
		if (place < COMMAND_ARGUMENTS_MAX && (unsigned)place < command->most) {
			offer_kind(&c, command->completes[place], c.words + words, place);
		}
	}
}

static bool ask_appliance(const struct options *options, struct answer *answer)
{
	const struct ctl_request request = { .count = 1, .words = { "status" } };
	const struct session_options session = { .silence_ms = PATIENCE_MS };
	char why[IPC_TEXT_MAX];
	return ask_collect(&request, options, &session, answer, why, sizeof(why)) == BH_OK;
}

int complete_run(int argc, char *const *argv)
{
	complete_words(stdout, argc, argv, ask_appliance);
	return ask_finish(CTL_FINE);
}
