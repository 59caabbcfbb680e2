#!/usr/bin/env bash
# Installs the programs that some tests meet for real: containers, image archives, Graphviz, a browser. Where it can't (no Debian,
# not root), those tests are skipped and say so.
set -euo pipefail

packages=(podman uidmap buildah skopeo runc crun docker-registry shellcheck openssl curl libnfs-utils graphviz chromium fonts-noto-cjk python3-venv zsh fish tmux faketime)

if ! command -v apt-get >/dev/null || [ "$(id -u)" != 0 ]; then
  echo "not Debian, or not root: tests that need one of ${packages[*]} are skipped"
  exit 0
fi
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} != 0 ]; then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi
# Podman without root takes a user who has ids of users and groups to give to containers.
getent passwd knit-rootless >/dev/null || useradd --system --add-subids-for-system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin knit-rootless
