/*
 * The control socket from a test's side: one request, rows, one end.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "tests/integration/appliance.h"

#include "common/util/clock.h"
#include "tests/integration/harness.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CONTROL_MS 20000

int appliance_control_connect(const struct appliance *a)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	snprintf(to.sun_path, sizeof(to.sun_path), "%s", a->socket);
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	MUST(fd >= 0, "socket: %s", strerror(errno));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static bool send_request(int fd, const char *words)
{
	struct ctl_request *request = calloc(1, sizeof(*request));
	MUST(request != NULL, "out of memory");
	char copy[1024];
	snprintf(copy, sizeof(copy), "%s", words);
	for (char *save, *word = strtok_r(copy, " ", &save); word != NULL && request->count < CTL_WORDS_MAX;
	     word = strtok_r(NULL, " ", &save)) {
		snprintf(request->words[request->count++], CTL_WORD_MAX, "%s", word);
	}
	static uint8_t buf[MSG_HEADER + MSG_PAYLOAD_MAX];
	struct sink s = sink_of(buf, sizeof(buf));
	sink_u16(&s, MSG_CTL_REQUEST);
	sink_u16(&s, 0);
	sink_u32(&s, 1);
	ctl_request_encode(&s, request);
	free(request);
	MUST(!s.failed, "the request does not fit");
	return send(fd, buf, s.pos, MSG_NOSIGNAL) == (ssize_t)s.pos;
}

static bool receive_answer(int fd, unsigned limit_ms, struct ctl_answer *answer)
{
	static uint8_t buf[MSG_HEADER + MSG_PAYLOAD_MAX];
	uint64_t end = clock_now_ms() + (uint64_t)limit_ms * harness_slow();
	answer->count = 0;
	for (;;) {
		uint64_t now = clock_now_ms();
		struct pollfd p = { .fd = fd, .events = POLLIN };
		if (now >= end || poll(&p, 1, (int)(end - now)) <= 0) {
			return false;
		}
		ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n < MSG_HEADER) {
			return false;
		}
		size_t len = (size_t)n - MSG_HEADER;
		switch (get_u16(buf)) {
		case MSG_CTL_ROW:
			MUST(answer->count < CTL_ROWS_MAX, "more than %d control rows", CTL_ROWS_MAX);
			MUST(ctl_row_decode(buf + MSG_HEADER, len, &answer->rows[answer->count++]) == BH_OK,
			     "a control row cannot be decoded");
			break;
		case MSG_CTL_DONE:
			MUST(ctl_done_decode(buf + MSG_HEADER, len, &answer->done) == BH_OK,
			     "the end of a control answer cannot be decoded");
			return true;
		default:
			MUST(false, "control message of type %u", get_u16(buf));
		}
	}
}

bool appliance_control_try(const struct appliance *a, const char *words, unsigned limit_ms,
			   const struct ctl_answer **answer)
{
	static struct ctl_answer kept;
	if (kept.rows == NULL) {
		kept.rows = calloc(CTL_ROWS_MAX, sizeof(*kept.rows));
		MUST(kept.rows != NULL, "out of memory");
	}
	int fd = appliance_control_connect(a);
	if (fd < 0) {
		return false;
	}
	bool ok = send_request(fd, words) && receive_answer(fd, limit_ms, &kept);
	close(fd);
	*answer = &kept;
	return ok;
}

const struct ctl_answer *appliance_control(const struct appliance *a, const char *words)
{
	const struct ctl_answer *answer = NULL;
	MUST(appliance_control_try(a, words, CONTROL_MS, &answer), "no answer to \"%s\" on the control socket",
	     words);
	return answer;
}

static const struct ctl_field *find_field(const struct ctl_row *row, const char *field)
{
	for (unsigned i = 0; i < row->count; i++) {
		if (strcmp(row->fields[i].name, field) == 0) {
			return &row->fields[i];
		}
	}
	return NULL;
}

bool row_has(const struct ctl_row *row, const char *field)
{
	return find_field(row, field) != NULL;
}

const char *row_text(const struct ctl_row *row, const char *field)
{
	const struct ctl_field *f = find_field(row, field);
	return f == NULL || f->type != CTL_TEXT ? "" : f->text;
}

uint64_t row_number(const struct ctl_row *row, const char *field)
{
	const struct ctl_field *f = find_field(row, field);
	return f == NULL || f->type == CTL_TEXT ? 0 : f->number;
}

const struct ctl_row *answer_next(const struct ctl_answer *answer, const char *table, unsigned *from)
{
	while (*from < answer->count) {
		const struct ctl_row *row = &answer->rows[(*from)++];
		if (strcmp(row->table, table) == 0) {
			return row;
		}
	}
	return NULL;
}

uint64_t appliance_generation(const struct appliance *a)
{
	const struct ctl_answer *answer = appliance_control(a, "status");
	unsigned from = 0;
	const struct ctl_row *row = answer_next(answer, "appliance", &from);
	MUST(row != NULL && row_has(row, "generation"), "status shows no generation");
	return row_number(row, "generation");
}

uint64_t appliance_counter(const struct appliance *a, const char *role, const char *view, const char *counter)
{
	const struct ctl_answer *answer = appliance_control(a, "stats");
	unsigned from = 0;
	uint64_t sum = 0;
	const struct ctl_row *row;
	while ((row = answer_next(answer, "counter", &from)) != NULL) {
		if (strcmp(row_text(row, "role"), role) == 0 &&
		    (view == NULL || strcmp(row_text(row, "view"), view) == 0) &&
		    strcmp(row_text(row, "name"), counter) == 0) {
			sum += row_number(row, "value");
		}
	}
	return sum;
}
