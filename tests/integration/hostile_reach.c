/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/integration/hostile_reach.h"

#include "common/util/log.h"
#include "tests/sandbox/reach.h"

#include <stdio.h>

#define TARGETS_MAX 64

static struct {
	char how[16];
	struct addr to;
} targets[TARGETS_MAX];
static unsigned count;
static unsigned rounds;

void hostile_reach_read(const char *program)
{
	char path[600];
	char to[64];
	snprintf(path, sizeof(path), "%s.targets", program);
	FILE *file = fopen(path, "re");
	if (file == NULL) {
		return;
	}
	while (count < TARGETS_MAX && fscanf(file, "%15s %63s", targets[count].how, to) == 2) {
		if (addr_parse(to, 53, &targets[count++].to) != BH_OK) {
			log_fatal("hostile: target %s", to);
		}
	}
	fclose(file);
}

void hostile_reach_all(int poll_fd)
{
	char text[ADDR_TEXT_MAX];
	rounds++;
	for (unsigned i = 0; i < count; i++) {
		log_info("round %u: %s %s: %s", rounds, targets[i].how, addr_text(&targets[i].to, text),
			 reach_try(targets[i].how, &targets[i].to, poll_fd));
	}
	log_info("round %u is over", rounds);
}
