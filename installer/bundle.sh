#!/usr/bin/env bash
# Makes one archive of Knitfab's charts and of all images they need, for clusters without internet access:
# installer.sh --bundle FILE installs from it. It needs bash, helm, skopeo and tar, and README.md beside it says more.
set -euo pipefail
shopt -s inherit_errexit

readonly version=v0.1.0
readonly charts=(knit-storage-nfs knit-certs knit-db-postgres knit-image-registry knit-app)

usage() {
  cat <<'USAGE'
Usage: bundle.sh [--platform PLATFORM[,PLATFORM…]] [[--output] FILE] [options]

Example:
  bundle.sh --platform linux/amd64 --output knitfab.tar

Options:
  --platform LIST     of the cluster's nodes: linux/amd64, linux/arm64 (default: this machine's)
  --output FILE       the archive (default: knitfab-VERSION.tar)
  --settings DIR      take images as these settings of installer.sh --prepare name them
  --no-nfs            without the NFS driver's images: for --storage-class
  --with-nfs-server   with the image of the NFS server in the cluster
  --image NAME        one more image, such as one that your Plans use; may be repeated
  --charts DIR        folder of the charts (default: ../charts, charts)
  --from SOURCE       where images are taken from: local (the storage of buildah and podman, then docker's),
                      registry, or auto: local where it is there, else from its registry (default)
USAGE
}

say() { printf '%s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

platforms='' output='' settings='' nfs=yes nfs_server='' chart_folder='' from=auto
more_images=()

read_options() {
  while [[ $# -gt 0 ]]; do
    local option=$1 value=''; shift
    case $option in
      --no-nfs | --with-nfs-server | -h | --help) ;;
      --*=*) value=${option#*=} option=${option%%=*} ;;
      -*) [[ $# -gt 0 ]] || die "$option needs a value (bundle.sh --help shows what there is)"; value=$1; shift ;;
    esac
    case $option in
      -h | --help) usage; exit 0 ;;
      --platform | --platforms) platforms=$value ;;
      --output | -o) output=$value ;;
      --settings | -s) settings=$value ;;
      --no-nfs) nfs='' ;;
      --with-nfs-server) nfs_server=yes ;;
      --image) more_images+=("$value") ;;
      --charts) chart_folder=$value ;;
      --from) from=$value ;;
      [!-]*) output=$option ;;
      *) die "$option is not known (bundle.sh --help shows what there is)" ;;
    esac
  done
  output=${output:-knitfab-$version.tar}
  platforms=${platforms:-linux/$(uname -m | sed -e 's/x86_64/amd64/' -e 's/aarch64/arm64/')}
  local platform
  for platform in ${platforms//,/ }; do
    [[ $platform == */* ]] || die "\"$platform\" is not a platform such as linux/amd64"
  done
  [[ $from =~ ^(auto|local|registry)$ ]] || die "--from is \"$from\": local, registry or auto is possible"
  [[ -z $settings || -d $settings/values ]] || die "$settings holds no settings (values/ is missing): make them with installer.sh --prepare"
}

find_charts() {
  local here tool
  here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  for tool in helm skopeo tar sha256sum; do command -v "$tool" >/dev/null || die "$tool is not installed"; done
  [[ -n $chart_folder ]] || chart_folder=$here/../charts
  [[ -d $chart_folder/knit-app ]] || chart_folder=$here/charts
  [[ -d $chart_folder/knit-app ]] || die "the charts are not there: give their folder with --charts"
}

# --- which images -----------------------------------------------------------

# What the charts render names them all.
image_names() {
  local chart options
  for chart in "${charts[@]}"; do
    options=()
    [[ -z $settings || ! -f $settings/values/$chart.yaml ]] || options+=(-f "$settings/values/$chart.yaml")
    case $chart in
      knit-storage-nfs)
        [[ -n $nfs || -n $settings ]] || options+=(--set storageClass=any)
        [[ -z $nfs || -n $nfs_server || -n $settings ]] || options+=(--set nfs.external=true --set nfs.server=any) ;;
      knit-image-registry | knit-app) options+=(-f "$work/certs.yaml") ;;
    esac
    [[ $chart != knit-image-registry || -n $settings ]] || options+=(--set nodeCerts.use=true)
    helm template "$chart" "$chart_folder/$chart" --kube-version v1.29.0 "${options[@]}" >"$work/rendered" 2>"$work/error" ||
      die "the images of chart $chart can't be told: $(tail -n 1 "$work/error")"
    sed -n 's/^ *\(- \)\{0,1\}image: *"\{0,1\}\([^" ]*\)"\{0,1\} *$/\2/p' "$work/rendered"
  done
  [[ ${#more_images[@]} == 0 ]] || printf '%s\n' "${more_images[@]}"
}

# --- taking images ----------------------------------------------------------

# Each layer of the bundle lies once in images/blobs/sha256, whatever images it belongs to.
take_image() { # NAME
  local platform manifests=() root
  [[ $1 != *@* ]] || die "$1 is named by its digest, which a bundle can't keep: name it by a tag"
  say "$1"
  for platform in ${platforms//,/ }; do
    copy_image "$1" "$platform"
    add_manifest "$work/copy" "$platform"
    manifests+=("$descriptor")
  done
  if [[ ${#manifests[@]} == 1 ]]; then
    root=$descriptor
  else
    add_index "${manifests[@]}"
    root=$descriptor
  fi
  {
    # image NAME TYPE DIGEST SIZE, then its parts in the order in which a registry takes them
    printf 'image %s %s\n' "$1" "$(printf '%s' "$root" | sed -E 's/.*"mediaType":"([^"]*)","digest":"([^"]*)","size":([0-9]*).*/\1 \2 \3/')"
    awk '$1 == "blob"' "$work/parts" | sort -u
    awk '$1 == "manifest"' "$work/parts"
  } >>"$contents"
  rm "$work/parts"
}

copy_image() { # NAME PLATFORM: into $work/copy, as skopeo's "dir:" has it
  local place places=()
  [[ $from == registry ]] || places+=("containers-storage:$1" "docker-daemon:$1")
  [[ $from == local ]] || places+=("docker://$1")
  : >"$work/error"
  for place in "${places[@]}"; do
    rm -rf "$work/copy"
    skopeo --override-os "${2%%/*}" --override-arch "$(printf '%s' "$2" | cut -d/ -f2)" copy --quiet --dest-compress "$place" "dir:$work/copy" 2>>"$work/error" || continue
    grep -q "\"architecture\":\"$(printf '%s' "$2" | cut -d/ -f2)\"" "$work/copy/$(configuration_of "$work/copy/manifest.json")" && return
    printf '%s is not for %s\n' "$place" "$2" >>"$work/error"
  done
  die "image $1 for $2 can't be taken (--from $from): $(sed -e '/graphdriver/d' -e 's/^time=.*msg=//' -e 's#\[[^]]*\]\([a-z]\)#\1#g' "$work/error" | tail -n 1)"
}

configuration_of() { tr -d ' \n' <"$1" | sed -E 's/.*"config":\{[^}]*"digest":"sha256:([0-9a-f]*)".*/\1/'; }

# Adds what skopeo has copied, and leaves its descriptor in $descriptor.
add_manifest() { # FOLDER PLATFORM
  local type digest file
  # of the manifest itself, not of its parts
  type=$(tr -d ' \n' <"$1/manifest.json" | sed -E 's/"config":\{[^}]*\}//; s/"layers":\[[^]]*\]//' | sed -n -E 's/.*"mediaType":"([^"]*)".*/\1/p')
  type=${type:-application/vnd.oci.image.manifest.v1+json}
  digest=$(keep "$1/manifest.json")
  tr -d ' \n' <"$1/manifest.json" | grep -o '"digest":"sha256:[0-9a-f]*"' | sed 's/.*sha256://; s/"//' | while read -r file; do
    mv -f "$1/$file" "$blobs/$file" 2>/dev/null || [[ -f $blobs/$file ]]
    printf 'blob sha256:%s\n' "$file"
  done >>"$work/parts"
  printf 'manifest sha256:%s %s\n' "$digest" "$type" >>"$work/parts"
  descriptor=$(printf '{"mediaType":"%s","digest":"sha256:%s","size":%d,"platform":{"os":"%s","architecture":"%s"}}' \
    "$type" "$digest" "$(wc -c <"$blobs/$digest")" "${2%%/*}" "$(printf '%s' "$2" | cut -d/ -f2)")
}

add_index() { # DESCRIPTOR…: of each platform
  local type=application/vnd.oci.image.index.v1+json digest
  printf '{"schemaVersion":2,"mediaType":"%s","manifests":[%s]}' "$type" "$(IFS=,; printf '%s' "$*")" >"$work/index"
  digest=$(keep "$work/index")
  printf 'manifest sha256:%s %s\n' "$digest" "$type" >>"$work/parts"
  descriptor=$(printf '{"mediaType":"%s","digest":"sha256:%s","size":%d}' "$type" "$digest" "$(wc -c <"$blobs/$digest")")
}

keep() { # FILE: among the blobs, under its digest
  local digest; digest=$(sha256sum "$1" | cut -d' ' -f1)
  cp "$1" "$blobs/$digest"
  printf '%s' "$digest"
}

# --- the archive ------------------------------------------------------------

main() {
  local chart image images
  read_options "$@"
  find_charts
  [[ -d $(dirname "$output") ]] || die "$(dirname "$output"), where the archive shall be made, is not there"
  work=$(mktemp -d "$(cd "$(dirname "$output")" && pwd)/.knitfab-bundle.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  trap 'exit 130' INT TERM
  local folder=$work/knitfab-bundle
  blobs=$folder/images/blobs/sha256 contents=$folder/images/contents
  mkdir -p "$blobs" "$folder/charts"
  # a certificate's place, so that what needs one is rendered
  printf 'certs: { cacert: any, cert: any, key: any }\n' >"$work/certs.yaml"
  for chart in "${charts[@]}"; do
    helm package "$chart_folder/$chart" -d "$folder/charts" >/dev/null 2>"$work/error" || die "chart $chart can't be packed: $(tail -n 1 "$work/error")"
  done
  image_names >"$work/images"
  mapfile -t images < <(sort -u "$work/images")
  printf 'platforms %s\n' "$platforms" >"$contents"
  say "${#images[@]} images for ${platforms//,/, }:"
  for image in "${images[@]}"; do take_image "$image"; done
  cp "$(dirname "${BASH_SOURCE[0]}")"/installer.sh "$folder/"
  printf 'Knitfab %s for %s, made %s\nInstall it with: tar -xf BUNDLE knitfab-bundle/installer.sh; knitfab-bundle/installer.sh --help\n' \
    "$version" "$platforms" "$(date -u +%FT%TZ)" >"$folder/README"
  (cd "$folder" && find . -type f ! -name SHA256SUMS | sort | xargs sha256sum >"$work/sums" && mv "$work/sums" SHA256SUMS)
  tar --sort=name --owner=0 --group=0 --numeric-owner -cf "$work/archive" -C "$work" knitfab-bundle
  mv "$work/archive" "$output"
  say "$output: $(($(wc -c <"$output") / 1048576)) MiB, sha256 $(sha256sum "$output" | cut -d' ' -f1)"
  say "copy it to where the cluster is reached from, and: installer.sh --bundle $(basename "$output") -n NAMESPACE -s DIR"
}

main "$@"
