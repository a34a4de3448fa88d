/*
 * Histories of zones on disk. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/history.h"

#include "common/zone/image.h" /* for IMAGE_VERSION alone */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".history"
#define IMAGE_SUFFIX ".image" /* saved_name gives it */
#define NUMBER_TEXT_MAX 24

/* --- names ------------------------------------------------------------------------------------------ */

bool history_name(const uint8_t *zone, char out[SAVED_NAME_MAX + 1])
{
	char name[SAVED_NAME_MAX + 1];
	if (!saved_name(zone, name)) {
		return false;
	}
	size_t len = strlen(name) - strlen(IMAGE_SUFFIX);
	if (len + strlen(SUFFIX) > SAVED_NAME_MAX) {
		return false;
	}
	memcpy(name + len, SUFFIX, sizeof(SUFFIX));
	memcpy(out, name, len + sizeof(SUFFIX));
	return true;
}

bool history_name_parse(const char *name, uint8_t zone[DNAME_MAX])
{
	char image[SAVED_NAME_MAX + 1];
	size_t len = strlen(name);
	if (len <= strlen(SUFFIX) || len > SAVED_NAME_MAX || strcmp(name + len - strlen(SUFFIX), SUFFIX) != 0) {
		return false;
	}
	len -= strlen(SUFFIX);
	memcpy(image, name, len);
	memcpy(image + len, IMAGE_SUFFIX, sizeof(IMAGE_SUFFIX)); /* the shorter suffix of the two */
	return saved_name_parse(image, zone);
}

/* A decimal number as it is written here, or 0. */
static uint64_t parse_number(const char *text)
{
	char again[NUMBER_TEXT_MAX];
	uint64_t number = 0;
	for (const char *p = text; *p != '\0'; p++) {
		if (*p < '0' || *p > '9' || number > SAVED_NUMBER_MAX) {
			return 0;
		}
		number = number * 10 + (uint64_t)(*p - '0');
	}
	snprintf(again, sizeof(again), "%" PRIu64, number);
	return number <= SAVED_NUMBER_MAX && strcmp(again, text) == 0 ? number : 0;
}

/* --- folders ----------------------------------------------------------------------------------------- */

/* A folder of root that nobody else can write; -1 with errno. */
static int open_folder(int at, const char *name)
{
	struct stat st;
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && (fstat(fd, &st) != 0 || st.st_uid != 0 || (st.st_mode & 022) != 0)) {
		close(fd);
		errno = EPERM; /* its owner could swap what we trust in it */
		return -1;
	}
	return fd;
}

int history_open_view(const char *state_dir, const char *view)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof(path), "%s/%s", state_dir, view) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return open_folder(AT_FDCWD, path);
}

static int compare_numbers(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;
	return x > y ? -1 : x < y; /* the newest first */
}

/*
 * Numbers of the files of a folder, heap memory; takes the descriptor. At most HISTORY_LOOKED_AT_MAX: more is not
 * ours. NULL with errno.
 */
static uint64_t *list_numbers(int folder_fd, size_t *count)
{
	size_t room = 64;
	uint64_t *numbers = malloc(room * sizeof(*numbers));
	DIR *dir = numbers == NULL ? NULL : fdopendir(folder_fd);
	if (dir == NULL) {
		int error = errno;
		free(numbers);
		close(folder_fd);
		errno = error;
		return NULL;
	}
	const struct dirent *entry;
	*count = 0;
	while (*count < HISTORY_LOOKED_AT_MAX && (entry = readdir(dir)) != NULL) {
		uint64_t number = parse_number(entry->d_name);
		if (number == 0) {
			continue;
		}
		if (*count == room) {
			uint64_t *more = reallocarray(numbers, room *= 2, sizeof(*numbers));
			if (more == NULL) {
				free(numbers);
				closedir(dir);
				errno = ENOMEM;
				return NULL;
			}
			numbers = more;
		}
		numbers[(*count)++] = number;
	}
	closedir(dir);
	qsort(numbers, *count, sizeof(*numbers), compare_numbers);
	return numbers;
}

/* --- reading ----------------------------------------------------------------------------------------- */

static int open_file(int at, const char *name)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer. */
	return openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

static void set_fault(struct history_item *item, const char *text)
{
	snprintf(item->fault, sizeof(item->fault), "%s", text);
}

/* What the head says against using this image for this zone; "" when nothing. */
static const char *head_fault(const struct saved_head *head, const uint8_t *zone, uint64_t number)
{
	if (head->image_version != IMAGE_VERSION) {
		return "is of another image version, made by another release";
	}
	if (!dname_equal(head->zone, zone)) {
		return "is of another zone";
	}
	return number != 0 && head->number != number ? "is of another generation" : "";
}

/* number 0: whatever it is. */
static void look_at(int fd, const uint8_t *zone, uint64_t number, struct history_item *item)
{
	uint64_t at;
	char why[HISTORY_WHY_MAX];
	item->number = number;
	if (saved_read(fd, &item->head, &at, why, sizeof(why)) != BH_OK) {
		set_fault(item, why);
		return;
	}
	sources_clear(&item->head.sources);
	set_fault(item, head_fault(&item->head, zone, number));
	item->number = item->head.number;
}

static int read_kept(int view_fd, const uint8_t *zone, struct history *out)
{
	char name[SAVED_NAME_MAX + 1];
	size_t count = 0;
	if (!history_name(zone, name)) {
		return BH_OK; /* its name is too long for one */
	}
	int folder = open_folder(view_fd, name);
	if (folder < 0) {
		return errno == ENOENT ? BH_OK : BH_ESYS;
	}
	int again = dup(folder);
	uint64_t *numbers = again < 0 ? NULL : list_numbers(again, &count);
	struct history_item *items = numbers == NULL ? NULL : reallocarray(out->items, out->count + count + 1, sizeof(*items));
	if (items == NULL) {
		free(numbers);
		close(folder);
		return BH_ESYS;
	}
	out->items = items;
	for (size_t i = 0; i < count; i++) {
		char text[NUMBER_TEXT_MAX];
		struct history_item *item = &out->items[out->count];
		if (out->count > 0 && out->items[0].newest && out->items[0].number == numbers[i]) {
			continue; /* it has both names */
		}
		*item = (struct history_item){ .number = numbers[i] };
		snprintf(text, sizeof(text), "%" PRIu64, numbers[i]);
		int fd = open_file(folder, text);
		if (fd < 0 && errno == ENOENT) {
			continue;
		}
		if (fd < 0) {
			set_fault(item, "cannot be opened");
		} else {
			look_at(fd, zone, numbers[i], item);
			close(fd);
			item->number = numbers[i];
		}
		out->count++;
	}
	free(numbers);
	close(folder);
	return BH_OK;
}

/* A rollback is of use as long as what it names is. */
static void look_at_rollbacks(struct history *history)
{
	for (size_t i = 0; i < history->count; i++) {
		struct history_item *item = &history->items[i];
		if (item->fault[0] != '\0' || item->head.image_of == 0) {
			continue;
		}
		const struct history_item *of = history_find(history, item->head.image_of);
		if (of == NULL || of->fault[0] != '\0') {
			set_fault(item, of == NULL ? "serves a generation that is not kept any more"
						   : "serves a generation that is of no use");
		}
	}
}

int history_read(const char *state_dir, const char *view, const uint8_t *zone, struct history *out, char *why,
		 size_t why_size)
{
	char name[SAVED_NAME_MAX + 1];
	*out = (struct history){ .items = calloc(1, sizeof(*out->items)) };
	if (out->items == NULL) {
		snprintf(why, why_size, "out of memory");
		return BH_ENOMEM;
	}
	bool named = saved_name(zone, name); /* one that is too long is never saved */
	int view_fd = named ? history_open_view(state_dir, view) : -1;
	if (view_fd < 0) {
		if (!named || errno == ENOENT) {
			return BH_OK;
		}
		snprintf(why, why_size, "%s/%s: %s", state_dir, view, strerror(errno));
		history_clear(out);
		return BH_ESYS;
	}
	int fd = open_file(view_fd, name);
	if (fd >= 0) {
		out->items[0].newest = true;
		look_at(fd, zone, 0, &out->items[0]);
		out->count = 1;
		close(fd);
	}
	int rc = read_kept(view_fd, zone, out);
	if (rc != BH_OK) {
		snprintf(why, why_size, "history below %s/%s: %s", state_dir, view, strerror(errno));
		history_clear(out);
	}
	look_at_rollbacks(out);
	close(view_fd);
	return rc;
}

void history_clear(struct history *history)
{
	free(history->items);
	*history = (struct history){ .items = NULL };
}

const struct history_item *history_find(const struct history *history, uint64_t number)
{
	for (size_t i = 0; i < history->count; i++) {
		if (history->items[i].number == number) {
			return &history->items[i];
		}
	}
	return NULL;
}

/* The file of this generation: under its own number, or as the newest. -1 with errno. */
static int open_generation(int view_fd, const uint8_t *zone, uint64_t number, struct saved_head *head, uint64_t *at,
			   char *why, size_t why_size)
{
	char folder[SAVED_NAME_MAX + 1];
	char path[SAVED_NAME_MAX + NUMBER_TEXT_MAX + 2];
	char name[SAVED_NAME_MAX + 1];
	bool named = saved_name(zone, name);

	snprintf(why, why_size, "is not kept");
	for (unsigned place = 0; place < 2 && named; place++) {
		if (place == 0 && !history_name(zone, folder)) {
			continue;
		}
		snprintf(path, sizeof(path), "%s/%" PRIu64, folder, number);
		int fd = open_file(view_fd, place == 0 ? path : name);
		if (fd < 0) {
			continue;
		}
		int rc = saved_read(fd, head, at, why, why_size);
		const char *fault = rc == BH_OK ? head_fault(head, zone, number) : "";
		if (rc == BH_OK && fault[0] == '\0') {
			return fd;
		}
		if (rc == BH_OK) {
			sources_clear(&head->sources);
			snprintf(why, why_size, "%s", place == 0 ? fault : "is not kept");
		}
		close(fd);
		if (place == 0) {
			errno = EINVAL;
			return -1;
		}
	}
	errno = ENOENT;
	return -1;
}

int history_open(const char *state_dir, const char *view, const uint8_t *zone, uint64_t number,
		 struct saved_head *head, int *memfd, char *why, size_t why_size)
{
	uint64_t at = 0;
	int view_fd = history_open_view(state_dir, view);
	int fd = -1;
	*head = (struct saved_head){ .made_sec = 0 };
	if (view_fd < 0) {
		snprintf(why, why_size, "is not kept");
		return BH_ENOENT;
	}
	fd = open_generation(view_fd, zone, number, head, &at, why, why_size);
	if (fd >= 0 && head->image_of != 0) { /* one step: what a rollback names has its own image */
		uint64_t of = head->image_of;
		sources_clear(&head->sources);
		close(fd);
		fd = open_generation(view_fd, zone, of, head, &at, why, why_size);
		if (fd >= 0 && head->image_of != 0) {
			sources_clear(&head->sources);
			snprintf(why, why_size, "is of a generation that has no image");
			close(fd);
			fd = -1;
			errno = EINVAL;
		}
	}
	int rc = fd >= 0 ? BH_OK : errno == ENOENT ? BH_ENOENT : BH_EMALFORMED;
	if (rc == BH_OK) {
		rc = saved_copy_image(fd, at, head, why, why_size);
		if (rc >= 0) {
			*memfd = rc;
			rc = BH_OK;
		} else {
			sources_clear(&head->sources);
		}
		close(fd);
	}
	close(view_fd);
	return rc;
}

/* --- keeping ----------------------------------------------------------------------------------------- */

uint64_t history_next_number(int dir_fd, const uint8_t *zone, uint64_t newest)
{
	char name[SAVED_NAME_MAX + 1];
	size_t count = 0;
	int folder = history_name(zone, name) ? open_folder(dir_fd, name) : -1;
	uint64_t *numbers = folder < 0 ? NULL : list_numbers(folder, &count);
	uint64_t last = count > 0 && numbers[0] > newest ? numbers[0] : newest;
	free(numbers);
	return last + 1;
}

/* Of a zone, made when it is not there: on disk before what gets a name in it has no other. -1 with errno. */
static int make_folder(int dir_fd, const uint8_t *zone)
{
	char name[SAVED_NAME_MAX + 1];
	if (!history_name(zone, name)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (mkdirat(dir_fd, name, 0700) == 0 ? fsync(dir_fd) != 0 : errno != EEXIST) {
		return -1;
	}
	return open_folder(dir_fd, name);
}

static int end_folder(int folder, bool done)
{
	int rc = done && fsync(folder) == 0 ? BH_OK : BH_ESYS;
	int error = errno;
	close(folder);
	errno = error;
	return rc;
}

int history_keep(int dir_fd, const uint8_t *zone, uint64_t number)
{
	char name[SAVED_NAME_MAX + 1];
	char text[NUMBER_TEXT_MAX];
	int folder = saved_name(zone, name) ? make_folder(dir_fd, zone) : -1;
	if (folder < 0) {
		return BH_ESYS;
	}
	snprintf(text, sizeof(text), "%" PRIu64, number);
	/* EEXIST: it was linked before the power went; a number is never given twice. */
	return end_folder(folder, linkat(dir_fd, name, folder, text, 0) == 0 || errno == EEXIST);
}

int history_put_back(int dir_fd, const uint8_t *zone, uint64_t number, const char *from)
{
	char text[NUMBER_TEXT_MAX];
	int folder = make_folder(dir_fd, zone);
	if (folder < 0) {
		return BH_ESYS;
	}
	snprintf(text, sizeof(text), "%" PRIu64, number);
	return end_folder(folder, renameat(dir_fd, from, folder, text) == 0);
}

bool history_has(int dir_fd, const uint8_t *zone, uint64_t number)
{
	struct saved_head head;
	char why[HISTORY_WHY_MAX];
	uint64_t at;
	int fd = open_generation(dir_fd, zone, number, &head, &at, why, sizeof(why));
	if (fd < 0) {
		return false;
	}
	sources_clear(&head.sources);
	close(fd);
	return true;
}

uint64_t history_served(int dir_fd, const uint8_t *zone)
{
	struct saved_head head;
	char name[SAVED_NAME_MAX + 1];
	char why[HISTORY_WHY_MAX];
	uint64_t at;
	uint64_t served = 0;
	int fd = saved_name(zone, name) ? open_file(dir_fd, name) : -1;
	if (fd >= 0 && saved_read(fd, &head, &at, why, sizeof(why)) == BH_OK) {
		served = head.image_of;
		sources_clear(&head.sources);
	}
	if (fd >= 0) {
		close(fd);
	}
	return served;
}

static bool is_too_old(int folder, const char *text, const struct history_policy *policy, uint64_t now_sec)
{
	struct stat st;
	if (policy->age_sec == 0 || fstatat(folder, text, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		return false;
	}
	/* The time of its last change of names: that is when another took its place. */
	uint64_t since = st.st_ctim.tv_sec < 0 ? 0 : (uint64_t)st.st_ctim.tv_sec;
	return since < now_sec && now_sec - since > policy->age_sec;
}

unsigned history_prune(int dir_fd, const char *name, uint64_t served, const struct history_policy *policy,
		       uint64_t now_sec)
{
	size_t count = 0;
	unsigned kept = 0;
	unsigned removed = 0;
	int folder = open_folder(dir_fd, name);
	int again = folder < 0 ? -1 : dup(folder);
	uint64_t *numbers = again < 0 ? NULL : list_numbers(again, &count);

	for (size_t i = 0; numbers != NULL && i < count; i++) {
		char text[NUMBER_TEXT_MAX];
		snprintf(text, sizeof(text), "%" PRIu64, numbers[i]);
		bool stays = numbers[i] == served || (kept < policy->count && !is_too_old(folder, text, policy, now_sec));
		if (stays || unlinkat(folder, text, 0) != 0) {
			kept += numbers[i] != served;
		} else {
			removed++;
		}
	}
	free(numbers);
	if (folder >= 0) {
		close(folder);
		if (removed == count && unlinkat(dir_fd, name, AT_REMOVEDIR) != 0 && errno != ENOTEMPTY) {
			return removed; /* it stays, empty */
		}
	}
	return removed;
}
