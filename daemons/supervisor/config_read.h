/*
 * What the files that read the configuration share: readers of single values, and each section's own
 * reader. No one else includes this; the configuration that came out is in config.h.
 *
 * A reader that finds no such value leaves the fallback, one that finds a wrong value tells the fault
 * and leaves the fallback too: reading goes on, and config_load gives nothing in the end.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_CONFIG_READ_H
#define BULKHEAD_SUPERVISOR_CONFIG_READ_H

#include "daemons/supervisor/config.h"
#include "daemons/supervisor/config_text.h"

#include <confuse.h>

struct config_reader {
	config_error_fn *error;
	void *ctx;
	unsigned errors;
	struct config *config;
};

/* --- faults --- */

void config_fault_at(struct config_reader *r, const char *file, unsigned line, const char *fmt, ...)
	BH_PRINTF(4, 5);

#define FAULT(r, value, ...) config_fault_at((r), (value)->file, (value)->line, __VA_ARGS__)

/* A fault of a section as a whole; libconfuse remembers the line where it ends. */
#define FAULT_SECTION(r, section, ...)                                                                         \
	config_fault_at((r), config_text_file(section), (unsigned)(section)->line, __VA_ARGS__)

/* p, which is not NULL: without memory there is no configuration, and the supervisor ends. */
void *config_must(void *p);

/* --- values --- */

void config_read_bool(struct config_reader *r, cfg_t *section, const char *name, bool fallback, bool *out);
/* A number from min to max; config_read_number: from 0. */
void config_read_between(struct config_reader *r, cfg_t *section, const char *name, unsigned long min,
			 unsigned long max, unsigned long fallback, unsigned long *out);
void config_read_number(struct config_reader *r, cfg_t *section, const char *name, unsigned long max,
			unsigned long fallback, unsigned long *out);
/* "256M": octets with an optional K, M or G (powers of 1024). */
void config_read_size(struct config_reader *r, cfg_t *section, const char *name, uint64_t min,
		      uint64_t fallback, uint64_t *out);
/* One of some words: its index; fallback when it is not set or, after a fault, is none of them. */
unsigned config_read_word(struct config_reader *r, cfg_t *section, const char *name, const char *const *words,
			  unsigned count, const char *allowed, unsigned fallback);
void config_read_text(struct config_reader *r, cfg_t *section, const char *name, const char *fallback,
		      char out[IPC_IDENTITY_MAX]);
/* Prefixes, added to out. */
void config_read_acl(struct config_reader *r, cfg_t *section, const char *name, struct acl *out);
/* This machine alone: 127.0.0.0/8 and ::1, for sections in which nobody else may ask unless it is told. */
void config_add_loopback(struct acl *out);
/* A domain name from text; false after a fault. */
bool config_read_name(struct config_reader *r, const char *file, unsigned line, const char *text,
		      uint8_t out[DNAME_MAX]);
/* Absolute path of a value; relative ones start at the folder of the file they stand in. Caller frees. */
char *config_absolute_path(const struct config_value *v);
char *config_read_path(cfg_t *section, const char *name, const char *fallback);

/* --- config_listen.c --- */

/* Addresses without a port get this one. */
void config_read_listen(struct config_reader *r, cfg_t *section, uint16_t port, struct config_listen *out);
void config_read_tcp(struct config_reader *r, cfg_t *parent, struct ipc_tcp *out);
/* One address and port belongs to one section: the socket chooses the view. */
void config_check_listens(struct config_reader *r, cfg_t *cfg);
void config_listen_clear(struct config_listen *listen);

/* --- config_key.c --- */

void config_read_keys(struct config_reader *r, cfg_t *cfg);
/* Index of a key by name, or -1. */
int config_find_key(const struct config *config, const uint8_t *name);

/* --- config_view.c --- */

void config_read_view(struct config_reader *r, cfg_t *section, struct config_view *view);
void config_view_clear(struct config_view *view);
/* What a server says of itself; what the section does not say is as in fallback. */
void config_read_names(struct config_reader *r, cfg_t *section, const struct config_names *fallback,
		       struct config_names *out);

/* "cookies" and "cookie-secret-file", of a view or the resolver. */
void config_read_cookies(struct config_reader *r, cfg_t *section, struct config_cookies *cookies);

/* --- config_resolver.c --- */

void config_read_resolver(struct config_reader *r, cfg_t *section, struct config_resolver *resolver);
void config_resolver_clear(struct config_resolver *resolver);

/* --- config_local.c --- */

void config_read_local(struct config_reader *r, cfg_t *section, struct config_resolver *resolver);
/* What is named there although a view that is not for everybody listens there: warned of. */
void config_check_local(struct config_reader *r, cfg_t *cfg);

/* --- config_monitor.c --- */

void config_read_monitor(struct config_reader *r, cfg_t *section, struct config_monitor *monitor);
void config_monitor_clear(struct config_monitor *monitor);

/* --- config_trust.c --- */

/* Where validation begins and ends. */
void config_read_trust(struct config_reader *r, cfg_t *section, struct config_resolver *resolver);
void config_trust_clear(struct config_resolver *resolver);

/* --- config_upstream.c --- */

/* Whom the resolver asks, and from which addresses. */
void config_read_upstream(struct config_reader *r, cfg_t *section, struct config_resolver *resolver);
void config_upstream_clear(struct config_resolver *resolver);

#endif
