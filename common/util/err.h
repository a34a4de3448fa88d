/*
 * Error codes of the whole project.
 *
 * Functions return 0 or one of these negative values. An RCODE is an answer and never travels in
 * the same int. What a caller must not ignore is marked BH_CHECKED.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#ifndef BULKHEAD_COMMON_UTIL_ERR_H
#define BULKHEAD_COMMON_UTIL_ERR_H

#define BH_CHECKED __attribute__((warn_unused_result))
#define BH_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum bh_err {
	BH_OK = 0,
	BH_EMALFORMED = -1, /* bytes or text that break their format */
	BH_ETRUNC = -2,     /* input ends before its format does */
	BH_ENOSPC = -3,     /* the caller's buffer is full */
	BH_ELIMIT = -4,     /* a named bound of ours was reached */
	BH_ENOMEM = -5,
	BH_ENOENT = -6,
	BH_EEXIST = -7,
	BH_EPERM = -8,   /* a peer did what its role may not do */
	BH_ECLOSED = -9, /* the other end is gone */
	BH_EAGAIN = -10, /* nothing now, ask again */
	BH_EVERSION = -11,
	BH_ESYS = -12, /* a system call failed; errno says how */
};

/* A short English phrase for err (static storage, never NULL). For BH_ESYS it is strerror(errno). */
const char *bh_strerror(int err);

#endif
