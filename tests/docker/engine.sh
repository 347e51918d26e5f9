#!/bin/sh
# Installs and starts the real Docker engine that tests use, on Debian or Ubuntu as root.
# What is there already is left as it is; an engine that runs is never restarted.
set -eu

image=tooinstance-test/debian
packages="docker.io iptables debootstrap docker-registry"
log=/var/log/tooinstance-test-dockerd.log

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "No Docker engine is set up here: that needs Debian or Ubuntu, and root."
  exit 0
fi

if ! dpkg --status $packages >/dev/null 2>&1; then
  echo "Installing Debian packages: $packages"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive \
    apt-get install -qq -y --no-install-recommends $packages >/dev/null
fi

mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)
mirror=${mirror%/}
if ! docker buildx version >/dev/null 2>&1; then
  # Debian 12 has no package of it; the plugin is one file without dependencies
  echo "Installing the buildx plugin"
  work=$(mktemp -d)
  chmod 755 "$work"
  mkdir -p "$work/lists/partial" "$work/root"
  keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  echo "deb [signed-by=$keyring] $mirror trixie main" >"$work/trixie.list"
  (
    cd "$work"
    set -- -qq -o "Dir::Etc::SourceList=$work/trixie.list" -o Dir::Etc::SourceParts=- \
      -o "Dir::State::Lists=$work/lists" -o APT::Sandbox::User=root
    apt-get "$@" update
    apt-get "$@" download docker-buildx
    dpkg -x docker-buildx_*.deb root
  )
  install -D "$work"/root/usr/libexec/docker/cli-plugins/docker-buildx \
    /usr/local/lib/docker/cli-plugins/docker-buildx
  rm -rf "$work"
fi

if ! docker info >/dev/null 2>&1; then
  echo "Starting the Docker engine"
  # where nobody reaps orphans, an engine that was killed would be taken for one that runs
  for pid_file in /var/run/docker.pid /var/run/docker/containerd/containerd.pid; do
    [ -f "$pid_file" ] || continue
    status=/proc/$(cat "$pid_file")/status
    grep -Eq '^Name:.(dockerd|containerd)$' "$status" 2>/dev/null &&
      ! grep -q '^State:.Z' "$status" || rm -f "$pid_file"
  done
  setsid dockerd --storage-driver overlay2 >"$log" 2>&1 </dev/null &
  for _ in $(seq 300); do
    docker info >/dev/null 2>&1 && break
    sleep 0.2
  done
  docker info >/dev/null || { tail -n 20 "$log"; exit 1; }
fi

if ! docker image inspect "$image" >/dev/null 2>&1; then
  echo "Making the base image $image"
  root=$(mktemp -d)
  debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv \
    bookworm "$root" "$mirror" >"$log.debootstrap"
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/*
  # as Debian's own image has it: what is thrown away needs no sync, nor descriptions to search
  echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/docker-apt-speedup"
  echo 'Acquire::Languages "none";' >"$root/etc/apt/apt.conf.d/docker-no-languages"
  echo 'DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb || true"; };' \
    >"$root/etc/apt/apt.conf.d/docker-clean"
  tar -C "$root" --numeric-owner -c . | docker import - "$image" >/dev/null
  rm -rf "$root"
fi
