#!/bin/sh
# Writes the files of a folder as C strings, asset_NAME_TYPE for NAME.TYPE. SPDX-License-Identifier: BSD-2-Clause
set -eu
echo '/* Made by assets.sh. */'
echo '#include "daemons/monitor/assets.h"'
for file in "$1"/icon.svg "$1"/status.css "$1"/status.js; do
	name=$(basename "$file" | tr . _)
	echo "const char asset_$name[] ="
	# Backslashes, quotes, and question marks, of which two begin a trigraph.
	sed -e 's/[\\"?]/\\&/g' -e 's/^/	"/' -e 's/$/\\n"/' "$file"
	echo '	;'
done
