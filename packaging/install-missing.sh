#!/usr/bin/env bash
# Installs those packages of debian-packages.txt that this machine lacks.
set -euo pipefail
cd "$(dirname "$0")"

missing=()
while read -r package; do
	[[ -z $package || $package == \#* ]] && continue
	state=$(dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null || true)
	[[ $state == installed ]] || missing+=("$package")
done <debian-packages.txt

((${#missing[@]})) || exit 0
echo "Installing ${missing[*]}"
as_root=()
((EUID == 0)) || as_root=(sudo)
"${as_root[@]}" apt-get update --quiet=2
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install --quiet=2 --yes --no-install-recommends "${missing[@]}"
