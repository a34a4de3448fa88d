/*
 * Zones and queries for the bench; the same options give the same octets.
 *
 *   zonegen [-n COUNT] [-r RECORDS] [-s SERIAL] zone KIND ORIGIN       zone text
 *   zonegen [-n COUNT] [-z ZONES] [-q QUERIES] queries KIND ORIGIN     lines "NAME TYPE", as dnsperf reads them
 *
 *   hosts        COUNT names with an A record; queries for them in random order
 *   missing      (queries) names that hosts does not have
 *   delegations  COUNT delegations, each with one name server below it and its glue: 2 COUNT records; queries for
 *                names below them
 *   sets         COUNT names with RECORDS AAAA records each; queries for them
 *   spread       (queries) COUNT names over ZONES zones z0, z1, ... below ORIGIN, each once; -q says nothing
 *   zipf         (queries) those names, the one of rank r asked for in proportion to 1/r
 *
 * Random order is that of splitmix64 from a fixed start.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/count.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct options {
	unsigned long count;
	unsigned long records;
	unsigned long serial;
	unsigned long queries;
	unsigned long zones;
	const char *origin;
};

static uint64_t random_state = 0x62756c6b68656164;

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t random_next(void)
{
	uint64_t z = random_state += 0x9e3779b97f4a7c15;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static void apex(const struct options *o)
{
	printf("$ORIGIN %s.\n$TTL 3600\n"
	       "@ IN SOA ns1 hostmaster %lu 3600 900 604800 300\n"
	       "@ IN NS ns1\n@ IN NS ns2\nns1 IN A 192.0.2.1\nns2 IN A 192.0.2.2\n",
	       o->origin, o->serial);
}

/* Host i's address: different for each. */
static void address(unsigned long i)
{
	printf("10.%lu.%lu.%lu", i >> 16 & 255, i >> 8 & 255, i & 255);
}

static void hosts_zone(const struct options *o)
{
	apex(o);
	for (unsigned long i = 0; i < o->count; i++) {
		printf("host%lu IN A ", i);
		address(i);
		putchar('\n');
	}
}

static void delegations_zone(const struct options *o)
{
	apex(o);
	for (unsigned long i = 0; i < o->count; i++) {
		printf("child%lu IN NS ns.child%lu\nns.child%lu IN A ", i, i, i);
		address(i);
		putchar('\n');
	}
}

static void sets_zone(const struct options *o)
{
	apex(o);
	for (unsigned long i = 0; i < o->count; i++) {
		for (unsigned long j = 0; j < o->records; j++) {
			printf("set%lu IN AAAA 2001:db8:%lx::%lx\n", i, i & 0xffff, j + 1);
		}
	}
}

static void hosts_query(const struct options *o)
{
	printf("host%lu.%s. A\n", (unsigned long)(random_next() % o->count), o->origin);
}

static void missing_query(const struct options *o)
{
	printf("no%08" PRIx64 ".%s. A\n", random_next() >> 32, o->origin);
}

static void delegations_query(const struct options *o)
{
	printf("www.child%lu.%s. A\n", (unsigned long)(random_next() % o->count), o->origin);
}

static void sets_query(const struct options *o)
{
	printf("set%lu.%s. AAAA\n", (unsigned long)(random_next() % o->count), o->origin);
}

/* Name k of count over the zones, neighbours in different zones: host k / zones of zone k modulo zones. */
static void spread_name(const struct options *o, unsigned long k)
{
	printf("h%lu.z%lu.%s. A\n", k / o->zones, k % o->zones, o->origin);
}

/* All of them at the first call, in random order (Fisher and Yates): their number is that of the names. */
static void spread_query(const struct options *o)
{
	unsigned long *order = malloc(o->count * sizeof(*order));
	if (order == NULL) {
		perror("zonegen");
		exit(1);
	}
	for (unsigned long i = 0; i < o->count; i++) {
		unsigned long j = (unsigned long)(random_next() % (i + 1));
		order[i] = order[j];
		order[j] = i;
	}
	for (unsigned long i = 0; i < o->count; i++) {
		spread_name(o, order[i]);
	}
	free(order);
}

/* Of exponent 1: the rank is below r with a probability of ln r / ln count, nearly. */
static void zipf_query(const struct options *o)
{
	double uniform = (double)(random_next() >> 11) / (double)(UINT64_C(1) << 53);
	unsigned long rank = (unsigned long)pow((double)(o->count + 1), uniform) - 1;
	spread_name(o, rank < o->count ? rank : o->count - 1);
}

static const struct {
	const char *name;
	void (*zone)(const struct options *);
	void (*query)(const struct options *);
} kinds[] = {
	{ "hosts", hosts_zone, hosts_query },
	{ "missing", hosts_zone, missing_query },
	{ "delegations", delegations_zone, delegations_query },
	{ "sets", sets_zone, sets_query },
	{ "spread", NULL, spread_query },
	{ "zipf", NULL, zipf_query },
};

static unsigned long number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);
	if (end == text || *end != '\0' || n == 0) {
		fprintf(stderr, "zonegen: %s: not a number above 0\n", text);
		exit(2);
	}
	return n;
}

int main(int argc, char **argv)
{
	struct options o = { .count = 1000, .records = 40, .serial = 1, .queries = 100000, .zones = 1 };
	for (int option; (option = getopt(argc, argv, "n:r:s:q:z:")) != -1;) {
		switch (option) {
		case 'n':
			o.count = number(optarg);
			break;
		case 'r':
			o.records = number(optarg);
			break;
		case 's':
			o.serial = number(optarg);
			break;
		case 'q':
			o.queries = number(optarg);
			break;
		case 'z':
			o.zones = number(optarg);
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 3) {
		fprintf(stderr, "zonegen [-n COUNT] [-r RECORDS] [-s SERIAL] [-q QUERIES] [-z ZONES] "
				"zone|queries KIND ORIGIN\n");
		return 2;
	}
	o.origin = argv[optind + 2];
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (strcmp(argv[optind + 1], kinds[i].name) != 0) {
			continue;
		}
		if (strcmp(argv[optind], "zone") == 0) {
			if (kinds[i].zone == NULL) {
				break;
			}
			kinds[i].zone(&o);
		} else {
			unsigned long calls = kinds[i].query == spread_query ? 1 : o.queries;
			for (unsigned long n = 0; n < calls; n++) {
				kinds[i].query(&o);
			}
		}
		return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
	}
	fprintf(stderr, "zonegen: %s: no such kind\n", argv[optind + 1]);
	return 2;
}
