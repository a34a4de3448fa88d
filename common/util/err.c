/*
 * Words for error codes. Owns nothing.
 *
 * SPDX-License-Identifier: BSD-2-Clause
 */
#include "common/util/err.h"

#include <errno.h>
#include <string.h>

const char *bh_strerror(int err)
{
	switch ((enum bh_err)err) {
	case BH_OK:
		return "success";
	case BH_EMALFORMED:
		return "malformed";
	case BH_ETRUNC:
		return "ends too early";
	case BH_ENOSPC:
		return "does not fit";
	case BH_ELIMIT:
		return "limit reached";
	case BH_ENOMEM:
		return "out of memory";
	case BH_ENOENT:
		return "not found";
	case BH_EEXIST:
		return "already there";
	case BH_EPERM:
		return "not permitted";
	case BH_ECLOSED:
		return "closed by the other end";
	case BH_EAGAIN:
		return "not ready";
	case BH_EVERSION:
		return "version mismatch";
	case BH_ESYS:
		return strerror(errno);
	}
	return "unknown error";
}
