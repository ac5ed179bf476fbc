# SPDX-License-Identifier: ISC
# tools/common.sh - what quickstart, check and the benchmarks share. Sourced by bash.

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { echo "$@" >&2; }
die() { echo "$(basename "$0"): $*" >&2; exit 1; }

# What a build needs; tests add their own.
build_packages=(gcc cmake ninja-build pkg-config libc6-dev libevent-dev libdb5.3-dev libidn2-dev libssl-dev
    libseccomp-dev libcap-dev libjansson-dev zlib1g-dev libcrypt-dev libgsasl-dev libargon2-dev libpq-dev libpam0g-dev libunbound-dev
    libspf2-dev libopendkim-dev libopendmarc-dev libexpat1-dev
    dns-root-data libcmocka-dev curl)

# install_packages PACKAGE...: those that are missing, from Debian; no service starts by itself
install_packages() {
    local missing=() p policy=/usr/sbin/policy-rc.d ours= r=0
    for p in "$@"; do
        dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing+=("$p")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    [ "$(id -u)" = 0 ] || die "missing packages, and only root may install them:
  apt-get install ${missing[*]}"
    say "Installing from Debian: ${missing[*]}"
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' > $policy && chmod 755 $policy && ours=1
    fi
    export DEBIAN_FRONTEND=noninteractive
    { apt-get install -y -qq --no-install-recommends "${missing[@]}" ||
        { apt-get update -qq &&
          apt-get install -y -qq --no-install-recommends "${missing[@]}"; }; } >&2 || r=$?
    [ -z "$ours" ] || rm -f $policy
    [ $r = 0 ] || die "the packages could not be installed"
}

# make_users: the suite's system users, where they are missing (root only)
make_users() {
    local kind name rest
    [ "$(id -u)" = 0 ] || return 0
    while read -r kind name rest; do
        [ "$kind" = u ] || continue
        getent passwd "$name" > /dev/null && continue
        say "Making system user $name"
        useradd --system --user-group --no-create-home --home-dir / \
            --shell /usr/sbin/nologin "$name"
    done < "$top/conf/relais.sysusers"
}

# build PRESET [TARGET...]: into build/PRESET
build() {
    local preset=$1
    shift
    if [ ! -e "$top/build/$preset/build.ninja" ]; then
        (cd "$top" && cmake --preset "$preset") > "$top/build-$preset.log" 2>&1 ||
            { cat "$top/build-$preset.log" >&2; return 1; }
        rm -f "$top/build-$preset.log"
    fi
    if [ -t 2 ]; then
        cmake --build "$top/build/$preset" ${1:+--target "$@"} >&2
    else # without a terminal: only what went wrong
        local log
        log=$(mktemp)
        cmake --build "$top/build/$preset" ${1:+--target "$@"} > "$log" 2>&1 ||
            { grep -v '^\[' "$log" | tail -n 100 >&2; rm -f "$log"; return 1; }
        rm -f "$log"
    fi
}
