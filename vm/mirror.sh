# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0 OR Linux-OpenIB
#
# Finds the Debian mirrors for the guest: the host's own, or ODP_MIRROR and ODP_SECURITY_MIRROR.

# mirror_site main|security: prints the site of the first archive of that kind in the host's apt.
mirror_site() {
	local info site=''
	# With what apt knows of each archive; before the first apt-get update that is nothing: go by name.
	for info in true false; do
		[[ $site ]] || site=$(mirror_pick "$1" "$info")
	done
	# Cloud images name a file with mirrors, best first.
	if [[ $site =~ ^mirror\+file:(//)?(/.*) ]]; then
		site=$(awk '/^https?:/ && !found { found = $1 } END { print found }' "${BASH_REMATCH[2]}")
	fi
	printf '%s' "${site%/}"
}

# mirror_pick main|security RELEASE_INFO
mirror_pick() {
	# shellcheck disable=SC2016 # apt fills these in
	apt-get indextargets -o APT::Get::IndexTargets::ReleaseInfo="$2" \
		--format '$(SITE) $(COMPONENT) $(ORIGIN) $(RELEASE)' 'Created-By: Packages' 2>/dev/null |
		awk -v want="$1" '
			$2 != "main" || $3 == "Ubuntu" || $1 !~ /^(https?:|mirror\+file:)/ { next }
			{ site = $1; sub(/\/+$/, "", site) }
			site ~ /debian-security(\/|$)/ || $4 ~ /-security$/ {
				if (!security && site !~ /\/ubuntu$/) security = site
				next
			}
			$3 == "Debian" || site ~ /\/debian(\.list)?$/ || site ~ /\/archive\/debian\// {
				if (!main) main = site
			}
			END { print want == "main" ? main : security }'
}

# mirror_list: prints the guest's sources.list.
mirror_list() {
	local main=${ODP_MIRROR:-} security=${ODP_SECURITY_MIRROR:-} suite
	[[ $main ]] || main=$(mirror_site main)
	[[ $main ]] ||
		die "This machine's apt configuration names no Debian mirror; set ODP_MIRROR to one, such as ODP_MIRROR=http://MIRROR/debian."
	if [[ ! $security && ! ${ODP_MIRROR:-} ]]; then
		security=$(mirror_site security)
	fi
	for suite in trixie trixie-updates trixie-backports; do
		printf 'deb %s %s main\n' "$main" "$suite"
	done
	printf 'deb-src %s trixie main\n' "$main"
	[[ ! $security ]] || printf 'deb %s trixie-security main\n' "$security"
}

# mirror_apt_options: prints the host's apt settings that a mirror may depend on, one a line.
mirror_apt_options() {
	apt-config dump |
		grep -E '^Acquire::(Check-Valid-Until|Check-Date|https?::(Proxy|Proxy-Auto-Detect|No-Cache)) ' || true
}
