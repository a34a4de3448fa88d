/*
 * The configuration of the appliance: what bulkhead.conf(5) says, typed and checked.
 *
 * config_text.c knows libconfuse and the grammar, config.c and the file of each section the meaning.
 * A struct config is complete or does not exist: there are no half-read ones. It is plain heap memory
 * and holds no descriptors.
 * Secrets in it are overwritten when it is freed.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_SUPERVISOR_CONFIG_H
#define BULKHEAD_SUPERVISOR_CONFIG_H

#include "common/ipc/conf.h"
#include "common/ipc/watch.h"
#include "common/util/addr.h"
#include "common/util/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CONFIG_WORKERS_MAX 64
#define CONFIG_VIEWS_MAX 64
#define CONFIG_LISTEN_MAX 256
#define CONFIG_ZONES_MAX 100000
#define CONFIG_TCP_MAX 10000  /* connections of a worker: below the descriptors that a role may have */
#define CONFIG_TCP_SEC_MAX 3600
#define CONFIG_TRANSFERS_MAX 256
#define CONFIG_INSECURE_MAX 4096
#define CONFIG_STUBS_MAX 16384
#define CONFIG_MIN_TTL_MAX 3600	     /* an hour: above it, changes of others are missed for long */
#define CONFIG_MAX_TTL_MAX 604800    /* RFC 8767 4: a week, where RFC 2181 8 has 68 years */
#define CONFIG_NEGATIVE_TTL_MAX 86400 /* RFC 2308 5: more than a day is found to be a problem */
#define CONFIG_STALE_TTL_MAX 604800
#define CONFIG_HISTORY_MAX 1000	     /* generations of a zone: each is a file as large as the zone's image */
#define CONFIG_HISTORY_DAYS_MAX 36500
#define CONFIG_HISTORY_COUNT 20
#define CONFIG_HISTORY_DAYS 90
#define CONFIG_HOSTS_MAX 64
#define CONFIG_MONITOR_PORT 9953
#define CONFIG_ERRORS_MAX 50 /* told before giving up */

/* A complaint about the configuration; called in the order of discovery. file may be "". */
typedef void config_error_fn(void *ctx, const char *file, unsigned line, const char *text);

/* One way in which a zone may be transferred. */
struct config_transfer {
	bool any; /* from every address */
	int key;  /* index into keys: signed with it; -1: also unsigned */
	struct prefix prefix;
};

struct config_zone {
	uint8_t name[DNAME_MAX];
	char *text; /* absolute, with final dot */
	char *file; /* below the view's zones_dir */
	bool overlay;
	unsigned place; /* among the zones of its view, as they stand in the configuration */
	struct config_transfer *transfers; /* any one will do; none: nobody may */
	size_t transfer_count;
};

struct config_listen {
	struct addr *addrs;
	size_t count;
	char **interfaces; /* empty: any device */
	size_t interface_count;
};

/* How often a client prefix may get the same kind of response. */
struct config_rate {
	uint8_t mode; /* enum ipc_rate_mode, 0: off */
	uint32_t per_second;
	uint8_t ipv4_bits;
	uint8_t ipv6_bits;
	struct acl exempt;
};

/* What a view says of the server that answers. */
struct config_names {
	uint8_t nsid[NSID_MAX];
	uint8_t nsid_len;
	char identity[IPC_IDENTITY_MAX];
	char version[IPC_IDENTITY_MAX];
};

struct config_cookies {
	uint8_t mode; /* enum ipc_cookies */
	struct cookie_secrets secrets; /* count 0: the supervisor's own */
};

struct config_view {
	char name[IPC_VIEW_MAX];
	struct config_listen listen;
	struct acl allow_query;
	bool anyone; /* allow-query was not set */
	struct ipc_tcp tcp;
	char *zones_dir;
	struct config_zone *zones; /* in the order of their names */
	size_t zone_count;
	char *user; /* NULL: the default for this view */
	bool rotate;
	struct config_cookies cookies;
	struct config_names names;
	struct config_rate rate;
};

struct config_stub {
	struct ipc_servers servers;
};

struct config_resolver {
	bool present;
	struct config_listen listen;
	struct acl allow_query;
	struct ipc_tcp tcp;
	struct config_cookies cookies;
	int internal_view; /* index into views, -1: none */
	struct addr *outgoing;
	size_t outgoing_count;
	char *root_hints; /* absolute path, NULL: built in */
	char *trust_anchors; /* likewise */
	struct ipc_name *insecure; /* domain-insecure */
	size_t insecure_count;
	uint64_t validation_date; /* seconds since 1970; 0: the time it is */
	uint64_t cache_size;
	struct config_stub *stubs;
	size_t stub_count;
	uint32_t min_ttl_sec;
	uint32_t max_ttl_sec;
	uint32_t max_negative_ttl_sec;
	uint32_t stale_sec; /* 0: not at all */
	bool prefetch;
	bool rebind_protection;
	struct config_stub *forwards;
	size_t forward_count;
	struct ipc_name *rebind_allow;
	size_t rebind_allow_count;
	bool ipv4;
	bool ipv6;
	bool use_0x20;
	bool qname_minimisation;
	bool validate_sha1;
	bool prime_root;
	bool use_cookies;
	uint8_t localhost; /* enum ipc_localhost */
	bool local_wall;   /* kept from this host's own services */
};

struct config_monitor {
	bool present;
	struct config_listen listen;
	struct acl allow;
	struct ipc_host *hosts; /* names by which it is asked, besides its addresses */
	size_t host_count;
	bool zones; /* it may know what the zones are called */
	struct ipc_name probe; /* whose NS records a resolver asks itself for */
};

struct config {
	unsigned refs; /* of generations that have the same; see config_share */
	unsigned workers; /* resolved: never 0 */
	char *state_dir;
	char *run_dir;
	enum log_level log_level;
	unsigned history_count; /* generations of each zone that are kept besides the newest */
	unsigned history_days;	/* since another took their place; 0: whatever their age */
	struct config_names names; /* of views that say nothing else */
	struct tsig_key *keys;
	size_t key_count;
	struct config_view *views;
	size_t view_count;
	struct config_resolver resolver;
	struct config_monitor monitor;
};

/*
 * Read and check the file. NULL: something is wrong, and `error` was called for each fault. The
 * caller owns the result. Reads the file, its includes, and looks at the directories and files it
 * names, reads the secrets of keys; opens no sockets. What is questionable but no fault is logged as a warning.
 */
struct config *config_load(const char *path, config_error_fn *error, void *ctx);
/*
 * May everybody ask this view at this address of it? Not the one whose names the resolver answers as the inside's,
 * whatever its allow-query says.
 */
bool config_view_is_public(const struct config *config, const struct config_view *view, const struct addr *at);

/* Processors that this process may use. */
unsigned config_cpus(void);
/* One user more: config_free frees it for the last one. */
struct config *config_share(struct config *config);
void config_free(struct config *config);

#endif
