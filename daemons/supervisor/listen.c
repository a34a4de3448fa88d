/*
 * Opening listeners. SPDX-License-Identifier: BSD-2-Clause
 */
#include "daemons/supervisor/listen.h"

#include "common/util/log.h"
#include "daemons/supervisor/config.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TCP_BACKLOG 512
/* Asked for; the kernel gives at most net.core.rmem_max. Rides out the restart of a worker. */
#define UDP_RECEIVE_BUFFER (4 * 1024 * 1024)

#ifndef IPV6_PMTUDISC_OMIT
#define IPV6_PMTUDISC_OMIT 5
#endif

void listener_unwant_all(struct listener_set *set)
{
	for (size_t i = 0; i < set->count; i++) {
		set->items[i].wanted = false;
	}
}

static int set_int(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

static int family_options(int fd, const struct addr *addr, bool udp)
{
	bool v4 = addr->family == ADDR_V4;
	if (!v4 && set_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1) != 0) {
		return -1;
	}
	/* Addresses that come up later (VRRP, DHCP) can be listened to now. */
	if (set_int(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_FREEBIND : IPV6_FREEBIND, 1) != 0) {
		return -1;
	}
	if (!udp) {
		return 0;
	}
	/*
	 * Answers stay below any sane MTU, and a path MTU that somebody spoofed must not make the kernel
	 * send fragments, which can be forged (RFC 9715, ANSSI R10).
	 */
	if (v4 ? set_int(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT)
	       : set_int(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT)) {
		return -1;
	}
	/* RFC 2181 4.1: answer from the address that was asked. */
	if (addr_is_any(addr)) {
		return v4 ? set_int(fd, IPPROTO_IP, IP_PKTINFO, 1)
			  : set_int(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
	}
	return 0;
}

static int close_failed(int fd)
{
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* A socket for addr that is not bound yet; shared: others of ours may be bound to it as well. -1 and errno. */
static int open_socket(enum ipc_proto proto, const struct addr *addr, const char *device, bool shared)
{
	bool udp = proto == IPC_UDP;
	int fd = socket(addr->family == ADDR_V4 ? AF_INET : AF_INET6,
			(udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		return -1;
	}
	if (family_options(fd, addr, udp) != 0 || (!udp && set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1) != 0) ||
	    (shared && set_int(fd, SOL_SOCKET, SO_REUSEPORT, 1) != 0) ||
	    (device[0] != '\0' &&
	     setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, device, (socklen_t)strlen(device)) != 0)) {
		return close_failed(fd);
	}
	return fd;
}

static int bind_to(int fd, const struct addr *addr)
{
	struct sockaddr_storage sa;
	socklen_t sa_len = addr_to_sockaddr(addr, &sa);
	return bind(fd, (struct sockaddr *)&sa, sa_len);
}

/* Could a socket be bound there that shares its place with nobody? */
static bool is_free(enum ipc_proto proto, const struct addr *addr, const char *device)
{
	int fd = open_socket(proto, addr, device, false);
	bool bound = fd >= 0 && bind_to(fd, addr) == 0;
	if (fd >= 0) {
		(void)close_failed(fd);
	}
	return bound;
}

/* bound: not yet, where others of ours are served and what comes would be shared out to it at once. */
static int open_listener(enum ipc_proto proto, const struct addr *addr, const char *device, bool bound)
{
	int fd = open_socket(proto, addr, device, true);
	if (fd < 0) {
		return -1;
	}
	if (bound && bind_to(fd, addr) != 0) {
		return close_failed(fd);
	}
	if (proto == IPC_UDP) {
		/* As much as the kernel allows; less is no reason not to serve. */
		(void)set_int(fd, SOL_SOCKET, SO_RCVBUF, UDP_RECEIVE_BUFFER);
		(void)set_int(fd, SOL_SOCKET, SO_SNDBUF, UDP_RECEIVE_BUFFER);
		return fd;
	}
	/* Nagle would hold back the second of two pipelined replies; accepted sockets inherit this. */
	return set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1) != 0 ? close_failed(fd) : fd;
}

/*
 * Now it gets its share of what comes. Before, nobody reads it, and a change that is given up would take that along.
 * The address is ours already, so there is little that could go wrong.
 */
static void begin_service(const struct listener *l)
{
	char text[ADDR_TEXT_MAX];
	bool good = !l->unbound || bind_to(l->fd, &l->addr) == 0;
	if (!good || (l->proto == IPC_TCP && listen(l->fd, TCP_BACKLOG) != 0)) {
		log_err("cannot listen on %s %s worker=%u: %m", l->proto == IPC_UDP ? "udp" : "tcp",
			addr_text(&l->addr, text), l->worker);
	}
}

static bool same_place(const struct listener *l, enum ipc_proto proto, const struct addr *addr,
		       const char *device)
{
	return l->proto == proto && addr_equal(&l->addr, addr) && strcmp(l->device, device) == 0;
}

int listener_want(struct listener_set *set, enum ipc_proto proto, const struct addr *addr, const char *device,
		  unsigned worker, const char *owner, uint32_t *next_id, char *why, size_t why_size)
{
	bool ours = false; /* another worker of ours has this place already */
	for (size_t i = 0; i < set->count; i++) {
		struct listener *l = &set->items[i];
		if (!same_place(l, proto, addr, device)) {
			continue;
		}
		ours = true;
		if (l->worker == worker && strcmp(l->owner, owner) == 0) {
			l->wanted = true;
			return BH_OK;
		}
	}
	if (set->count == set->room) {
		size_t room = set->room == 0 ? 16 : set->room * 2;
		struct listener *items = reallocarray(set->items, room, sizeof(*items));
		if (items == NULL) {
			snprintf(why, why_size, "out of memory");
			return BH_ENOMEM;
		}
		set->items = items;
		set->room = room;
	}
	/* SO_REUSEPORT would share the port with any other process of root: a first bind without it finds
	 * out whether somebody else is there. */
	bool unbound = ours && proto == IPC_UDP;
	int fd = ours || is_free(proto, addr, device) ? open_listener(proto, addr, device, !unbound) : -1;
	if (fd < 0) {
		char text[ADDR_TEXT_MAX];
		snprintf(why, why_size, "cannot listen on %s %s: %s", proto == IPC_UDP ? "udp" : "tcp",
			 addr_text(addr, text), strerror(errno));
		return BH_ESYS;
	}
	struct listener *l = &set->items[set->count++];
	*l = (struct listener){
		.id = (*next_id)++, .proto = proto, .addr = *addr, .worker = worker, .fd = fd, .unbound = unbound,
		.wanted = true
	};
	snprintf(l->device, sizeof(l->device), "%s", device);
	snprintf(l->owner, sizeof(l->owner), "%s", owner);
	return BH_OK;
}

/*
 * No more datagrams for this socket: it is given up, but the role that reads it may hold it for a while, for the answers it
 * still owes through it. Connected to its own address, which never sends to itself, it takes part no longer in sharing the
 * address with other workers; those get what comes from here on, and what is in it is still read. An address that is
 * not there has no route, and nobody who asks it.
 */
static void turn_away(const struct listener *l)
{
	struct sockaddr_storage sa;
	socklen_t sa_len = addr_to_sockaddr(&l->addr, &sa);
	if (l->proto == IPC_UDP && !addr_is_any(&l->addr) && connect(l->fd, (struct sockaddr *)&sa, sa_len) != 0) {
		char text[ADDR_TEXT_MAX];
		log_debug("listener %s is given up, cannot be connected: %m", addr_text(&l->addr, text));
	}
}

/* tcp: that alone, for HTTP. */
static int want_section(struct listener_set *set, const struct config_listen *listen, unsigned workers, bool tcp,
			const char *owner, uint32_t *next_id, char *why, size_t why_size)
{
	static const enum ipc_proto protos[] = { IPC_UDP, IPC_TCP };

	for (size_t a = 0; a < listen->count; a++) {
		size_t devices = listen->interface_count == 0 ? 1 : listen->interface_count;
		for (size_t d = 0; d < devices; d++) {
			const char *device = listen->interface_count == 0 ? "" : listen->interfaces[d];
			for (unsigned w = tcp ? 1 : 0; w < workers * 2; w += tcp ? 2 : 1) {
				int rc = listener_want(set, protos[w % 2], &listen->addrs[a], device, w / 2, owner,
						       next_id, why, why_size);
				if (rc != BH_OK) {
					return rc;
				}
			}
		}
	}
	return BH_OK;
}

int listener_want_all(struct listener_set *set, const struct config *config, unsigned workers, uint32_t *next_id,
		      char *why, size_t why_size)
{
	listener_unwant_all(set);
	for (size_t i = 0; i < config->view_count; i++) {
		int rc = want_section(set, &config->views[i].listen, workers, false, config->views[i].name, next_id, why,
				      why_size);
		if (rc != BH_OK) {
			return rc;
		}
	}
	int rc = config->resolver.present
			 ? want_section(set, &config->resolver.listen, workers, false, "", next_id, why, why_size)
			 : BH_OK;
	if (rc == BH_OK && config->monitor.present) {
		rc = want_section(set, &config->monitor.listen, 1, true, LISTENER_OF_MONITOR, next_id, why, why_size);
	}
	return rc;
}

static void drop(struct listener_set *set, bool (*keep)(const struct listener *))
{
	size_t kept = 0;
	for (size_t i = 0; i < set->count; i++) {
		if (keep(&set->items[i])) {
			set->items[kept++] = set->items[i];
		} else {
			turn_away(&set->items[i]);
			close(set->items[i].fd);
		}
	}
	set->count = kept;
}

static bool is_wanted(const struct listener *l)
{
	return l->wanted;
}

static bool is_in_use(const struct listener *l)
{
	return l->in_use;
}

void listener_commit(struct listener_set *set)
{
	drop(set, is_wanted);
	for (size_t i = 0; i < set->count; i++) {
		struct listener *l = &set->items[i];
		if (!l->in_use) {
			begin_service(l);
			l->unbound = false;
			l->in_use = true;
		}
	}
}

void listener_abort(struct listener_set *set)
{
	drop(set, is_in_use);
}

void listener_clear(struct listener_set *set)
{
	listener_unwant_all(set);
	drop(set, is_wanted);
	free(set->items);
	*set = (struct listener_set){ 0 };
}
