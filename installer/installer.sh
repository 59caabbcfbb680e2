#!/usr/bin/env bash
# Installs Knitfab into a Kubernetes cluster. It needs bash, helm, kubectl and openssl; README.md beside it in Knitfab's
# repository, docs/admin-guide.md there and --help say how it is used. It works alone (charts are fetched), beside the
# folder charts/ of a checkout, and out of a bundle made by bundle.sh.
set -euo pipefail

readonly version=v0.1.0
readonly charts=(knit-storage-nfs knit-certs knit-db-postgres knit-image-registry knit-app)
readonly default_settings=knitfab-install-settings
readonly label=app.kubernetes.io

usage() {
  cat <<'USAGE'
Usage:
  installer.sh --prepare [-s DIR] [--kubeconfig FILE] [-n NAMESPACE] [options]
  installer.sh [--install] --kubeconfig FILE -n NAMESPACE -s DIR [options]
  installer.sh --renew-certs [--renew-ca] -s DIR [options]
  installer.sh --check -s DIR [options]       looks whether it could be installed, and changes nothing

Example:
  installer.sh --prepare --kubeconfig ~/.kube/config -n knitfab
  vi knitfab-install-settings/values/knit-storage-nfs.yaml
  installer.sh --kubeconfig ~/.kube/config -n knitfab -s ./knitfab-install-settings

Options:
  --kubeconfig FILE         how to reach the cluster (default: the settings', $KUBECONFIG, ~/.kube/config)
  -n, --namespace NAMESPACE where Knitfab is installed; made if it is not there (default: the settings', knitfab)
  -s, --settings DIR        the settings (default: ./knitfab-install-settings)
  --storage-class NAME      use this existing StorageClass in place of NFS; remembered ("" forgets it)
  --host NAME               name or address by which users reach the cluster, for the handout (default: a node's address)
  --chart-repository URL    where charts are fetched: https://, oci:// or a folder (also CHART_REPOSITORY_ROOT)
  --chart-version VERSION   version to be installed (also CHART_VERSION)
  --timeout DURATION        how long to wait for each of the five charts, such as 90s or 10m (default: 10m)
  --recover                 go on after an installation that was broken off on another machine
  --force                   with --prepare: move settings that are there already out of the way
Certificates, with --prepare and --renew-certs (by default all of them are made):
  --no-tls                  plain HTTP, for use behind a proxy that does TLS
  --tls-ca-cert FILE, --tls-ca-key FILE   a certificate authority and its key (also TLSCACERT, TLSCAKEY)
  --tls-cert FILE, --tls-key FILE         the server's certificate and its key (also TLSCERT, TLSKEY)
  --tls-san NAME            one more name or address for the server's certificate; may be repeated
Without internet access:
  --bundle FILE             take charts and images from an archive made by bundle.sh
  --node-import COMMAND     loads an archive of images into a node that lacks them. %node, %address and %archive are
                            replaced, and the archive is its standard input, too; for example
                            'ssh root@%address ctr -n k8s.io images import -'
  --no-bundle               take images from the internet again

Ends with 0 when all went well, 1 when something is missing or failed, 2 on a misused option,
3 when images have to be loaded into nodes first, 130 when interrupted. Run it again at any time: it goes on.
USAGE
}

# --- telling ----------------------------------------------------------------

say() { printf '%s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }
misused() { printf 'error: %s (installer.sh --help shows what there is)\n' "$*" >&2; exit 2; }

problems=()
problem() { problems+=("$*"); }

die_of_problems() { # WHAT: ends with all that was found, if anything was
  [[ ${#problems[@]} == 0 ]] && return
  printf 'error: %s\n' "$1" >&2
  printf '  - %s\n' "${problems[@]}" >&2
  exit 1
}

# --- options ----------------------------------------------------------------

action='' settings='' namespace='' kubeconfig='' host='' timeout=10m bundle='' node_import=''
storage_class='' storage_class_given='' no_tls='' renew_ca='' tls_given='' force='' recover='' no_bundle=''
ca_cert=${TLSCACERT:-} ca_key=${TLSCAKEY:-} server_cert=${TLSCERT:-} server_key=${TLSKEY:-}
more_names=()
chart_repository=${CHART_REPOSITORY_ROOT:-} chart_version=${CHART_VERSION:-}

read_options() {
  [[ $# == 0 ]] && { usage; exit 2; }
  while [[ $# -gt 0 ]]; do
    local option=$1 value=''; shift
    case $option in
      --*=*) value=${option#*=} option=${option%%=*} ;;
      --prepare|--install|--check|--renew-certs|--renew-ca|--no-tls|--force|--recover|--no-bundle|-h|--help|--version) ;;
      *) [[ $option != -* || $# -gt 0 ]] || misused "$option needs a value"
         [[ $option != -* ]] || { value=$1; shift; } ;;
    esac
    case $option in
      -h|--help) usage; exit 0 ;;
      --version) say "$version"; exit 0 ;;
      --prepare|--install|--check) act "${option#--}" ;;
      --renew-certs) [[ $action == renew ]] || act renew ;;
      --renew-ca) [[ $action == renew ]] || act renew; renew_ca=yes ;;
      --kubeconfig) kubeconfig=$value ;;
      -n|--namespace) namespace=$value ;;
      -s|--settings) settings=$value ;;
      --storage-class) storage_class=$value storage_class_given=yes ;;
      --host) host=$value ;;
      --chart-repository) chart_repository=$value ;;
      --chart-version) chart_version=$value ;;
      --timeout) timeout=$value ;;
      --bundle) bundle=$value ;;
      --node-import) node_import=$value ;;
      --no-bundle) no_bundle=yes ;;
      --no-tls) no_tls=yes tls_given=yes ;;
      --tls-ca-cert) ca_cert=$value tls_given=yes ;;
      --tls-ca-key) ca_key=$value tls_given=yes ;;
      --tls-cert) server_cert=$value tls_given=yes ;;
      --tls-key) server_key=$value tls_given=yes ;;
      --tls-san) more_names+=("$value"); tls_given=yes ;;
      --force) force=yes ;;
      --recover) recover=yes ;;
      *) misused "$option is not known" ;;
    esac
  done
  action=${action:-install}
  [[ -z $tls_given || $action == prepare || $action == renew ]] || misused "certificates are given with --prepare or --renew-certs"
  [[ $timeout =~ ^[0-9]+[smh]$ ]] || misused "--timeout is \"$timeout\", which is not a duration such as 90s or 10m"
  [[ -z $namespace || $namespace =~ ^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$ ]] ||
    misused "\"$namespace\" can't be the name of a namespace: at most 63 lower-case letters, digits and hyphens"
  [[ -z $no_tls || -z $ca_cert$ca_key$server_cert$server_key ]] ||
    misused "--no-tls and certificates are given: leave one of them out"
  [[ -z $bundle || -f $bundle ]] || die "$bundle, the bundle, is not there. Make one with bundle.sh, where there is internet access."
  [[ -z $bundle || -z $no_bundle ]] || misused "--bundle and --no-bundle are given: leave one of them out"
  [[ -z $node_import || $node_import == *%* || -n $bundle ]] || misused "--node-import is of use with --bundle only"
}

act() {
  [[ -z $action || $action == "$1" ]] || misused "only one of --prepare, --install, --check and --renew-certs is possible at a time"
  action=$1
}

# --- settings ---------------------------------------------------------------

prepared() { [[ -f $1/values/knit-app.yaml ]]; }

# Finds the settings, also where their name is spelt with other capitals, underscores, or as knit-install-settings.
find_settings() {
  local wanted=${settings:-./$default_settings}
  wanted=${wanted%/}
  if [[ ! -e $wanted ]]; then
    local candidate found=()
    for candidate in "$(dirname "$wanted")"/*/; do
      candidate=${candidate%/}
      prepared "$candidate" && [[ $(plain_name "$candidate") == "$(plain_name "$wanted")" ]] && found+=("$candidate")
    done
    [[ ${#found[@]} -le 1 ]] || die "$wanted is not there, and several are like it: ${found[*]}. Give one of them with -s."
    [[ ${#found[@]} == 1 ]] || die "$wanted, the settings, are not there. Make them with: installer.sh --prepare -s $wanted"
    say "$wanted is not there: using ${found[0]}"
    wanted=${found[0]}
  fi
  prepared "$wanted" || die "$wanted holds no settings (values/knit-app.yaml is missing). Make some with: installer.sh --prepare -s DIR"
  settings=$(cd "$wanted" && pwd)
}

plain_name() { basename "$1" | tr '[:upper:]_' '[:lower:]-' | sed 's/^knit-/knitfab-/'; }

# --- what the installer works with ------------------------------------------

work='' lock='' helm_process='' forward_process=''

start_work() {
  umask 077
  work=$(mktemp -d)
  mkdir "$work/values" "$work/rendered"
  trap finish_work EXIT
  trap 'interrupted INT' INT
  trap 'interrupted TERM' TERM
}

finish_work() {
  local code=$?
  [[ -z $forward_process ]] || kill "$forward_process" 2>/dev/null || true
  [[ -z $lock ]] || { rm -rf "$lock"; rmdir "$(dirname "$lock")" 2>/dev/null || true; }
  rm -rf "$work"
  return "$code"
}

interrupted() {
  trap '' INT TERM
  if [[ -n $helm_process ]]; then
    say "interrupted: waiting for helm to note how far it came"
    kill -TERM "$helm_process" 2>/dev/null || true
    wait "$helm_process" 2>/dev/null || true
  fi
  lock='' # stays: the next run sees by it that it goes on with this one
  printf 'interrupted. Run the same command again to go on.\n' >&2
  exit 130
}

need_tools() { # TOOL…
  local tool
  ((BASH_VERSINFO[0] > 4 || (BASH_VERSINFO[0] == 4 && BASH_VERSINFO[1] >= 3))) || problem "bash is $BASH_VERSION: 4.3 or later is needed"
  for tool in "$@"; do
    command -v "$tool" >/dev/null || problem "$tool is not installed"
  done
  if [[ " $* " == *' helm '* ]] && command -v helm >/dev/null; then
    local found; found=$(helm version --template '{{.Version}}' 2>/dev/null) || found=unknown
    at_least "$found" 3.12 || problem "helm is $found: 3.12 or later is needed"
  fi
  die_of_problems "something is missing on this machine:"
}

at_least() { # VERSION MAJOR.MINOR
  [[ $1 =~ ^v?([0-9]+)\.([0-9]+) ]] || return 1
  local major=${BASH_REMATCH[1]} minor=${BASH_REMATCH[2]}
  ((major > ${2%.*} || (major == ${2%.*} && minor >= ${2#*.})))
}

lock_settings() { # two installations of the same settings at once would undo each other
  lock=$settings/state/lock
  mkdir -p "$settings/state"
  if ! mkdir "$lock" 2>/dev/null; then
    local holder=''; [[ -f $lock/holder ]] && holder=$(<"$lock/holder")
    if [[ ${holder#* } == "$HOSTNAME" ]] && ! kill -0 "${holder%% *}" 2>/dev/null; then
      end_left_helm
      say "an earlier installation was broken off: going on with it"
      recover=yes
    else
      local held=$lock; lock=
      die "another installation with these settings is under way (process ${holder:-unknown}). If it is not, remove $held and run this again."
    fi
  fi
  printf '%s %s\n' "$$" "$HOSTNAME" >"$lock/holder"
}

# A killed installer may have left its helm behind, still at work.
end_left_helm() {
  local process
  [[ -f $lock/helm ]] || return 0
  process=$(<"$lock/helm")
  [[ $(ps -o args= -p "$process" 2>/dev/null) == helm\ * ]] || return 0
  kill -TERM "$process" 2>/dev/null || true
  for ((i = 0; i < 50; i++)); do kill -0 "$process" 2>/dev/null || break; sleep 0.2; done
}

# --- the cluster ------------------------------------------------------------

k() { kubectl --kubeconfig "$work/kubeconfig" "$@"; }
kn() { k -n "$namespace" "$@"; }
h() { helm --kubeconfig "$work/kubeconfig" -n "$namespace" "$@"; }

# Finds how to reach the cluster and leaves it in $work/kubeconfig: one context, with the files it names in it.
connect() {
  local source=$kubeconfig
  if [[ -z $source && -f $settings/kubeconfig ]]; then source=$settings/kubeconfig; fi
  if [[ -z $source ]]; then source=${KUBECONFIG:-$HOME/.kube/config}; fi
  [[ $source == *:* || -f $source ]] ||
    die "$source, the kubeconfig, is not there. Give the file by which kubectl reaches your cluster: --kubeconfig FILE"
  KUBECONFIG=$source kubectl config view --raw --flatten --minify >"$work/kubeconfig" 2>"$work/error" ||
    die "$source can't be used: $(last_line "$work/error"). Is it a kubeconfig file with a current context?"
  k get --raw /version --request-timeout=15s >"$work/version" 2>"$work/error" ||
    die "the cluster of $source can't be reached: $(last_line "$work/error")"
  kubernetes_version=$(sed -n 's/.*"gitVersion": *"\([^"]*\)".*/\1/p' "$work/version")
}

last_line() { sed -e '/^[[:space:]]*$/d' -e 's/^[[:space:]*]*//' -e 's/^[Ee]rror: *//' "$1" | tail -n 1; }

# One line a node: NAME|TYPE=ADDRESS,…|unschedulable|Ready|memory|taints' effects|architecture
read_nodes() {
  k get nodes -o jsonpath='{range .items[*]}{.metadata.name}|{range .status.addresses[*]}{.type}={.address},{end}|{.spec.unschedulable}|{.status.conditions[?(@.type=="Ready")].status}|{.status.allocatable.memory}|{range .spec.taints[*]}{.effect},{end}|{.status.nodeInfo.architecture}{"\n"}{end}' >"$work/nodes" 2>"$work/error" ||
    problem "the cluster's nodes can't be listed: $(last_line "$work/error")"
}

addresses_of_type() { # TYPE…: of every node, one a line
  local type
  for type in "$@"; do cut -d'|' -f2 "$work/nodes" | tr ',' '\n' | sed -n "s/^$type=//p"; done | sort -u
}

remember_target() { # the kubeconfig and the namespace, for uninstall.sh and for later runs
  if [[ -f $settings/kubeconfig ]] && ! cmp -s "$work/kubeconfig" "$settings/kubeconfig"; then
    [[ -z $kubeconfig ]] || say "kubeconfig in the settings is now that of --kubeconfig"
  fi
  cp "$work/kubeconfig" "$settings/kubeconfig"
  printf '%s\n' "$namespace" >"$settings/namespace"
}

choose_namespace() {
  local saved=''; [[ -f $settings/namespace ]] && saved=$(<"$settings/namespace")
  namespace=${namespace:-${saved:-knitfab}}
  [[ -z $saved || $saved == "$namespace" || ! -f $settings/uninstall.sh ]] ||
    die "these settings are installed in namespace $saved, not in $namespace. Use other settings (--prepare -s DIR), or uninstall first: $settings/uninstall.sh --hard"
}

# --- charts and their values ------------------------------------------------

# Leaves the charts in $work/charts, each as a folder.
fetch_charts() {
  local here chart found
  here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
  mkdir -p "$work/charts"
  if [[ -z $chart_repository ]]; then
    if [[ -d $here/../charts/knit-app ]]; then chart_repository=$here/../charts
    elif [[ -d $here/charts/knit-app || -n $(compgen -G "$here/charts/knit-app-*.tgz") ]]; then chart_repository=$here/charts
    else chart_repository=https://raw.githubusercontent.com/opst/knitfab/main/charts/release
    fi
  fi
  for chart in "${charts[@]}"; do
    fetch_chart "$chart"
    # A folder has what it has, whatever was asked for.
    found=$(chart_version_of "$chart")
    [[ ! -d $chart_repository || -z $chart_version || ${found#v} == "${chart_version#v}" ]] ||
      die "$chart_repository holds version $found of the chart $chart, not $chart_version. Leave out --chart-version, or name where that version is with --chart-repository."
  done
}

fetch_chart() { # CHART
  local archives=() wanted=${chart_version:-$version}
  if [[ -d $chart_repository/$1 ]]; then
    cp -R "$chart_repository/$1" "$work/charts/$1"
  elif [[ -d $chart_repository ]]; then
    mapfile -t archives < <(compgen -G "$chart_repository/$1-[0-9v]*.tgz" | sort -V)
    [[ ${#archives[@]} -gt 0 ]] || die "$chart_repository holds no chart $1"
    tar -xzmf "${archives[-1]}" -C "$work/charts"
  elif [[ $chart_repository == oci://* ]]; then
    helm pull "$chart_repository/$1" --version "${wanted#v}" --untar -d "$work/charts" >/dev/null 2>"$work/error" ||
      die "chart $1 $wanted can't be fetched from $chart_repository: $(last_line "$work/error")"
  else
    helm pull "$1" --repo "$chart_repository" --version "$wanted" --untar -d "$work/charts" >/dev/null 2>"$work/error" ||
      die "chart $1 $wanted can't be fetched from $chart_repository: $(last_line "$work/error"). Is there internet access? See --chart-repository and --bundle."
  fi
}

chart_version_of() { sed -n 's/^version: *"\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' "$work/charts/$1/Chart.yaml"; }

# Answers an expression of helm's templates over values, one word: ask CHART EXPRESSION
ask() {
  printf 'apiVersion: v2\nname: ask\nversion: 0.0.0\n' >"$work/ask/Chart.yaml"
  printf '%s\n' "answer: {{ $2 | toString | quote }}" >"$work/ask/templates/answer.yaml"
  helm template ask "$work/ask" -f "$work/values/$1.json" 2>/dev/null | sed -n 's/^answer: "\(.*\)"$/\1/p'
}

# All values of a chart as they will be, in $work/values/CHART.json. Those of the charts before it have to be there.
compute_values() { # CHART
  values_of "$1"
  mkdir -p "$work/ask/templates"
  printf 'apiVersion: v2\nname: ask\nversion: 0.0.0\n' >"$work/ask/Chart.yaml"
  printf '{{ toJson .Values }}\n' >"$work/ask/templates/answer.yaml"
  helm template ask "$work/ask" -f "$work/charts/$1/values.yaml" "${values[@]}" >"$work/out" 2>"$work/error" || return 1
  tail -n 1 "$work/out" >"$work/values/$1.json"
}

# The options that give helm a chart's values, in the array $values: the administrator's file, what options of the installer
# have added, and the values of the charts it builds on.
values_of() { # CHART
  local file
  values=(-f "$settings/values/$1.yaml")
  for file in hooks extra-api; do
    [[ $1 == knit-app && -f $settings/values/$file.yaml ]] && values+=(-f "$settings/values/$file.yaml")
  done
  for file in "$work"/remembered/*/"$1.yaml"; do
    [[ -f $file ]] && values+=(-f "$file")
  done
  case $1 in
    knit-certs) values+=(--set cakey=) ;; # it has no use in the cluster, where helm would keep it
    knit-db-postgres) from_earlier "$1" storage ;;
    knit-image-registry) from_earlier "$1" storage certs ;;
    knit-app) from_earlier "$1" storage certs database imageRegistry ;;
  esac
}

# As --set-json "storage=$(helm get values knit-storage-nfs -o json --all)" would, but keys are not seen in the list of processes.
from_earlier() { # CHART KEY…
  local file=$work/values/for-$1.json key separator='{'
  shift
  for key in "$@"; do
    printf '%s"%s":%s' "$separator" "$key" "$(<"$work/values/$(chart_behind "$key").json")"
    separator=,
  done >"$file"
  printf '}\n' >>"$file"
  values+=(-f "$file")
}

chart_behind() {
  case $1 in
    storage) echo knit-storage-nfs ;;
    certs) echo knit-certs ;;
    database) echo knit-db-postgres ;;
    imageRegistry) echo knit-image-registry ;;
  esac
}

set_value() { # FILE KEY VALUE: at the top of the file's tree; an editor may have folded the old one into several lines
  KEY=$2 VALUE=$3 awk '
    function line() { return ENVIRON["KEY"] ": \"" ENVIRON["VALUE"] "\"" }
    index($0, ENVIRON["KEY"] ":") == 1 { print line(); found = 1; within = 1; next }
    within && /^[ \t]+[^ \t]/ { next }
    { within = 0; print }
    END { if (!found) print line() }' "$1" >"$1.new"
  mv "$1.new" "$1"
}

# --- certificates -----------------------------------------------------------

base64_of() { openssl base64 -A -in "$1"; }

# Looks at one certificate and its key, adds to the problems what is wrong with them.
check_certificate() { # WHAT CERTIFICATE [KEY]
  if ! openssl x509 -in "$2" -noout 2>/dev/null; then
    problem "$2, the $1's certificate, $(absent_or "$2" "is not a certificate in PEM")"
    return
  fi
  openssl x509 -in "$2" -noout -checkend 0 >/dev/null ||
    problem "$2, the $1's certificate, has expired: $(openssl x509 -in "$2" -noout -enddate | cut -d= -f2)"
  [[ -n ${3:-} ]] || return 0
  if ! openssl pkey -in "$3" -passin pass: -noout 2>/dev/null; then
    problem "$3, the $1's key, $(absent_or "$3" "can't be read: a private key in PEM without a passphrase is needed")"
  elif [[ $(openssl x509 -in "$2" -noout -pubkey) != "$(openssl pkey -in "$3" -passin pass: -pubout)" ]]; then
    problem "$3 is not the key of $2, the $1's certificate"
  fi
}

absent_or() { if [[ -r $1 ]]; then printf '%s' "$2"; else printf 'is not there or not readable'; fi; }

check_signed() { # CA CERTIFICATE
  openssl verify -CAfile "$1" -partial_chain -untrusted "$2" -purpose sslserver "$2" >"$work/verify" 2>&1 ||
    problem "$2, the server's certificate, is not one that $1, the CA's, has signed: $(sed -n 's/^error [0-9]* at [0-9]* depth lookup: *//p' "$work/verify" | head -n 1)"
}

check_given_certificates() {
  [[ -z $server_cert || -n $server_key ]] || problem "a server's certificate is given, but not its key: TLSKEY or --tls-key"
  [[ -z $server_key || -n $server_cert ]] || problem "a server's key is given, but not its certificate: TLSCERT or --tls-cert"
  [[ -z $ca_key || -n $ca_cert ]] || problem "a CA's key is given, but not its certificate: TLSCACERT or --tls-ca-cert"
  [[ -z $server_cert || -n $ca_cert ]] || problem "a server's certificate is given, but not that of the CA which has signed it: TLSCACERT or --tls-ca-cert"
  [[ -z $ca_cert || -n $ca_key || -n $server_cert ]] || problem "a CA's certificate is given, but not its key (TLSCAKEY or --tls-ca-key), without which no server's certificate can be made. Or give that, too: TLSCERT and TLSKEY"
  [[ ${#problems[@]} == 0 ]] || return 0
  [[ -z $ca_cert ]] || check_certificate CA "$ca_cert" "$ca_key"
  [[ -z $server_cert ]] || check_certificate server "$server_cert" "$server_key"
  [[ ${#problems[@]} == 0 ]] || return 0
  [[ -z $ca_cert ]] || is_authority "$ca_cert" || problem "$ca_cert is not the certificate of an authority: it may not sign others (CA:TRUE is missing)"
  [[ -z $server_cert ]] || check_signed "$ca_cert" "$server_cert"
}

# A server's certificate signed by itself is its own authority, and needs not to say so.
is_authority() { openssl x509 -in "$1" -noout -text | grep -q 'CA:TRUE' || cmp -s "$1" "${server_cert:-/dev/null}"; }

made_here() { openssl x509 -in "$1" -noout -subject 2>/dev/null | grep -q 'O *= *Knitfab'; }

make_authority() { # FOLDER: ca.crt and ca.key, for ten years
  cat >"$work/ca.conf" <<-X
	[req]
	distinguished_name = name
	x509_extensions = authority
	prompt = no
	[name]
	O = Knitfab
	CN = Knitfab CA $(openssl rand -hex 4)
	[authority]
	basicConstraints = critical, CA:TRUE
	keyUsage = critical, keyCertSign, cRLSign
	subjectKeyIdentifier = hash
	X
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days 3650 -config "$work/ca.conf" \
    -keyout "$1/ca.key" -out "$1/ca.crt" 2>"$work/error" || die "no certificate authority could be made: $(last_line "$work/error")"
}

# The names and addresses of the server: every node's, this machine's own (for kubectl port-forward), those inside the cluster.
server_names() { # FOLDER
  local service
  addresses_of_type InternalIP ExternalIP Hostname InternalDNS ExternalDNS
  printf '%s\n' localhost 127.0.0.1 ::1
  cat "$1/names"
  for service in knitd image-registry; do
    printf '%s\n' "$service" "$service.${namespace:-knitfab}" "$service.${namespace:-knitfab}.svc"
  done
}

add_names() { # FILE: one name a line, which later certificates have, too
  touch "$1"
  printf '%s\n' "$host" ${more_names[@]+"${more_names[@]}"} | cat "$1" - | sed '/^ *$/d' | sort -u >"$work/names"
  cp "$work/names" "$1"
}

is_address() { [[ $1 =~ ^[0-9]+\.[0-9]+\.[0-9]+\.[0-9]+$ || $1 == *:* ]]; }

make_server_certificate() { # FOLDER, which has ca.crt and ca.key: server.crt and server.key, for 825 days
  local name names=''
  add_names "$1/names"
  while read -r name; do
    name=${name#[} name=${name%]}
    if is_address "$name"; then names+=,IP:$name; else names+=,DNS:$name; fi
  done < <(server_names "$1" | awk '!seen[$0]++')
  cat >"$work/server.conf" <<-X
	[req]
	distinguished_name = name
	prompt = no
	[name]
	O = Knitfab
	CN = knitfab
	[server]
	basicConstraints = critical, CA:FALSE
	keyUsage = critical, digitalSignature
	extendedKeyUsage = serverAuth
	subjectKeyIdentifier = hash
	authorityKeyIdentifier = keyid
	subjectAltName = ${names#,}
	X
  {
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -config "$work/server.conf" -keyout "$1/server.key" -out "$work/server.csr" &&
      openssl x509 -req -in "$work/server.csr" -CA "$1/ca.crt" -CAkey "$1/ca.key" -passin pass: -set_serial "0x$(openssl rand -hex 16)" \
        -sha256 -days 825 -extfile "$work/server.conf" -extensions server -out "$1/server.crt"
  } 2>"$work/error" || die "no server's certificate could be made: $(last_line "$work/error")"
}

write_certificate_values() { # SETTINGS: values/knit-certs.yaml as certs/ is
  local pair file
  for pair in cacert=ca.crt cakey=ca.key cert=server.crt key=server.key; do
    file=$1/certs/${pair#*=}
    set_value "$1/values/knit-certs.yaml" "${pair%%=*}" "$([[ ! -f $file ]] || base64_of "$file")"
  done
}

# --- prepare ----------------------------------------------------------------

prepare() {
  local target=${settings:-./$default_settings}; target=${target%/}
  local made
  if [[ -e $target && -z $force ]]; then
    die "$target is there already, and is left as it is. Install with it, give another directory with -s, or move it out of the way with --force."
  fi
  [[ -d $(dirname "$target") ]] || die "$(dirname "$target"), where the settings shall be made, is not there"
  need_tools helm openssl
  check_given_certificates
  die_of_problems "the certificates can't be used:"
  find_cluster_if_any
  take_bundle
  fetch_charts
  made=$(mktemp -d "$(dirname "$target")/.knitfab-settings.XXXXXX")
  # shellcheck disable=SC2064 # the name of now
  trap "rm -rf '$made'; finish_work" EXIT
  fill_settings "$made"
  if [[ -e $target ]]; then
    local aside; aside=$target.$(date +%Y%m%d-%H%M%S)
    mv "$target" "$aside"
    say "the settings that were there are now $aside"
  fi
  mv "$made" "$target"
  say "settings are in $target:"
  say "  1. Look through $target/values/*.yaml."
  if [[ -z $storage_class ]]; then
    say "     As they are, nothing is kept when the pod of the NFS server in the cluster goes. In $target/values/knit-storage-nfs.yaml,"
    say "     set nfs.external and nfs.server to use your own, nfs.hostPath and nfs.node to keep it on a node, or storageClass."
  fi
  say "  2. Install: installer.sh --kubeconfig ${kubeconfig:-path/to/kubeconfig} -n ${namespace:-NAMESPACE} -s $target"
}

# The nodes' addresses go into the server's certificate. Where no cluster is known yet, that is made when Knitfab is installed.
find_cluster_if_any() {
  : >"$work/nodes"
  local implicit=${KUBECONFIG:-$HOME/.kube/config}
  if [[ -n $kubeconfig ]]; then
    need_tools kubectl
    connect
    read_nodes
    die_of_problems "the cluster can't be used:"
  elif [[ -f ${implicit%%:*} ]] && command -v kubectl >/dev/null; then
    if (connect && read_nodes && die_of_problems "the cluster can't be used:") 2>"$work/why"; then
      say "using the cluster of $implicit"
    else
      warn "$(last_line "$work/why")"
      rm -f "$work/kubeconfig"
    fi
  fi
}

fill_settings() { # FOLDER
  local chart
  mkdir -p "$1/values" "$1/certs"
  for chart in "${charts[@]}"; do helm show values "$work/charts/$chart" >"$1/values/$chart.yaml"; done
  [[ -z $storage_class ]] || set_value "$1/values/knit-storage-nfs.yaml" storageClass "$storage_class"
  fill_extensions "$1/values"
  if [[ -z $no_tls ]]; then
    trust_registry "$1/values/knit-image-registry.yaml"
    fill_certificates "$1/certs"
    write_certificate_values "$1"
  fi
  [[ ! -f $work/kubeconfig ]] || cp "$work/kubeconfig" "$1/kubeconfig"
  [[ -z $namespace ]] || printf '%s\n' "$namespace" >"$1/namespace"
  settings_readme >"$1/README.md"
  chmod 700 "$1"
}

fill_certificates() { # FOLDER
  if [[ -n $ca_cert ]]; then
    cp "$ca_cert" "$1/ca.crt"
    [[ -z $ca_key ]] || cp "$ca_key" "$1/ca.key"
  else
    make_authority "$1"
  fi
  if [[ -n $server_cert ]]; then
    cp "$server_cert" "$1/server.crt"
    cp "$server_key" "$1/server.key"
  elif [[ -s $work/nodes ]]; then
    make_server_certificate "$1"
  else
    say "no cluster is known yet: the server's certificate will be made when Knitfab is installed"
  fi
}

# Plans' images are pushed to the registry in the cluster, so nodes have to trust it.
trust_registry() { # FILE
  awk '/^nodeCerts:/ { within = 1 } within && /^  use: false/ { sub("false", "true"); within = 0 } { print }' "$1" >"$1.new"
  mv "$1.new" "$1"
}

fill_extensions() { # FOLDER
  cat >"$1/hooks.yaml" <<'X'
# # hooks: (optional) Web hooks around each change of a Run's status.
# # NOT IN THIS VERSION YET: hooks that are set are refused.
# hooks:
#   lifecycle-hooks:
#     # # before: each of these must answer 2xx, or the change is tried again later
#     before:
#       - http://hook.example.com/before
#     # # after: told afterwards; answers are ignored
#     after:
#       - http://hook.example.com/after
X
  cat >"$1/extra-api.yaml" <<'X'
# # extraApi: (optional) Web APIs of your own, which the Knitfab API passes requests on to.
# # NOT IN THIS VERSION YET: Web APIs that are set are refused.
# extraApi:
#   endpoints:
#     # # path: what users ask for, and anything below it ("/api" is Knitfab's own)
#     # # proxy_to: where it is passed on to
#     - path: /extension
#       proxy_to: http://extension.example.svc/extension
X
}

settings_readme() {
  cat <<X
Settings of a Knitfab installation
==================================

Made by \`installer.sh --prepare\` $version. **Keep this directory, and keep it to yourself**: it holds private keys and the
credentials of the cluster.

| | |
|---|---|
| \`values/*.yaml\` | parameters of each of Knitfab's charts; change them and run the installer again |
| \`values/hooks.yaml\`, \`values/extra-api.yaml\` | extensions, not in this version yet |
| \`certs/\` | \`ca.crt\`, \`ca.key\`, \`server.crt\`, \`server.key\`, and \`names\`: more names for the server's certificate; change them with \`installer.sh --renew-certs\` |
| \`kubeconfig\`, \`namespace\` | where Knitfab is, or will be |
| \`handout/\` | for Knitfab's users: made when it is installed |
| \`uninstall.sh\` | removes Knitfab, with \`--hard\` its data, too: made when it is installed |
| \`state/\` | what the installer remembers; not to be changed |

    installer.sh --kubeconfig path/to/kubeconfig -n NAMESPACE -s THIS_DIRECTORY

installs Knitfab, or changes an installation to what is written here.
X
}

# --- preflight --------------------------------------------------------------

# Looks at everything that an installation needs, and names all that is missing at once. Changes nothing.
preflight() {
  say "looking at the cluster and the settings"
  at_least "$kubernetes_version" 1.29 || problem "Kubernetes is $kubernetes_version: 1.29 or later is needed"
  check_nodes
  check_settings
  [[ -z $bundle ]] || check_bundle_is_complete
  check_permissions
  check_owners
  check_node_ports
  check_storage_class
  check_storage_stays
  check_names_in_certificate
  check_namespace
  check_releases
  die_of_problems "Knitfab can't be installed. Nothing was changed. What is missing:"
}

check_nodes() {
  local name unschedulable ready memory effects usable=0 most=0 size
  while IFS='|' read -r name _ unschedulable ready memory effects _; do
    if [[ $ready != True ]]; then warn "node $name is not ready"; continue; fi
    [[ $unschedulable != true && $effects != *NoSchedule* && $effects != *NoExecute* ]] || continue
    usable=$((usable + 1)) size=$(mebibytes "$memory")
    ((size <= most)) || most=$size
  done <"$work/nodes"
  if [[ ! -s $work/nodes ]]; then return; fi
  if ((usable == 0)); then
    problem "no node is ready to run Knitfab: each is not ready, cordoned or tainted. In a cluster of one node, remove its taint: kubectl taint nodes --all node-role.kubernetes.io/control-plane-"
  elif ((most < 3584)); then
    warn "the largest node has $most MiB of memory for pods: at least one with 4 GiB is recommended"
  fi
}

mebibytes() { # 24683264Ki, 16Gi, 17179869184
  local number=${1%%[A-Za-z]*}
  case $1 in
    *Ki) echo $((number / 1024)) ;;
    *Mi | *M) echo "$number" ;;
    *Gi | *G) echo $((number * 1024)) ;;
    *) echo $((${number:-0} / 1048576)) ;;
  esac
}

# Renders every chart with the settings, as helm will.
check_settings() {
  local chart file message
  for chart in "${charts[@]}"; do : >"$work/rendered/$chart.yaml"; done
  for chart in "${charts[@]}"; do
    file=$settings/values/$chart.yaml
    if [[ ! -f $file ]]; then problem "values/$chart.yaml is missing in the settings: make new ones with --prepare -s OTHER, and copy it from there"; return; fi
    if ! compute_values "$chart"; then problem "values/$chart.yaml can't be read: $(last_line "$work/error")"; return; fi
    values_of "$chart"
    if ! helm template "$chart" "$work/charts/$chart" -n "$namespace" --kube-version "$kubernetes_version" "${values[@]}" \
      >"$work/rendered/$chart.yaml" 2>"$work/error"; then
      message=$(sed -e '/^ *$/d' -e '/^Use --debug/d' -e 's/^Error: *//' -e 's/.*error calling fail: *//' -e 's/^execution error at ([^)]*): *//' "$work/error" | tr '\n' ' ')
      problem "values/$chart.yaml: ${message% }"
    fi
  done
}

# For each kind of object that the charts make: may it be made and changed?
check_permissions() {
  k api-resources --no-headers 2>"$work/error" | awk '{ print $NF, $(NF-2), $1, $(NF-1) }' >"$work/kinds" ||
    { problem "the cluster's kinds of objects can't be listed: $(last_line "$work/error")"; return; }
  local kind group resource namespaced verb
  {
    review list '' nodes ''
    review create '' pods "$namespace"
    review delete '' pods "$namespace"
    k get namespace "$namespace" >/dev/null 2>&1 || review create '' namespaces ''
    while read -r kind group; do
      read -r resource namespaced < <(awk -v k="$kind" -v g="$group" '$1 == k && $2 == g { print $3, $4; exit }' "$work/kinds") || true
      if [[ -z $resource ]]; then problem "the cluster does not know the kind $kind ($group)"; continue; fi
      [[ $group == */* ]] || group=/
      for verb in create patch; do
        review "$verb" "${group%%/*}" "$resource" "$([[ $namespaced != true ]] || echo "$namespace")"
      done
      resource=''
    done < <(awk '/^apiVersion:/ { version = $2 } /^kind:/ { print $2, version }' "$work"/rendered/*.yaml | tr -d '"' | sort -u)
  } >"$work/reviews"
  k create --validate=false -f "$work/reviews" -o jsonpath='{.status.allowed} {.spec.resourceAttributes.verb} {.spec.resourceAttributes.resource} {.spec.resourceAttributes.namespace}{"\n"}' \
    >"$work/answers" 2>"$work/error" || { problem "permissions can't be asked for: $(last_line "$work/error")"; return; }
  local denied
  denied=$(awk -v cluster='in the whole cluster' '$1 != "true" { print $2, $3, ($4 ? "in " $4 : cluster) }' "$work/answers" | sort -u | paste -sd, - | sed 's/,/, /g')
  [[ -z $denied ]] || problem "the kubeconfig's user lacks permissions: $denied. Use one of an administrator of the cluster."
}

review() { # VERB GROUP RESOURCE NAMESPACE
  printf -- '---\napiVersion: authorization.k8s.io/v1\nkind: SelfSubjectAccessReview\nspec: {resourceAttributes: {verb: %s, group: "%s", resource: %s, namespace: "%s"}}\n' "$@"
}

# Objects whose names are known in the whole cluster may belong to another installation.
check_owners() {
  local kind name owner
  while read -r kind name; do
    grep -q "^$kind .* false$" "$work/kinds" || continue
    owner=$(k get "$kind" "$name" --ignore-not-found -o jsonpath='{.metadata.name}|{.metadata.annotations.meta\.helm\.sh/release-namespace}' 2>/dev/null) || continue
    case $owner in
      '' | "$name|$namespace") ;;
      "$name|") problem "$kind $name is there already, and not of Knitfab.$(owner_advice "$kind")" ;;
      *) problem "$kind $name belongs to the Knitfab in namespace ${owner#*|}.$(owner_advice "$kind")" ;;
    esac
  done < <(awk '/^kind:/ { kind = $2 } /^metadata:/ { within = 1 } within && /^  name:/ { print kind, $2; within = 0 }' "$work"/rendered/*.yaml | tr -d '"' | sort -u)
}

owner_advice() {
  case $1 in
    CSIDriver | ClusterRole | ClusterRoleBinding) printf ' If the cluster has csi-driver-nfs already, set csi.install to false in values/knit-storage-nfs.yaml.' ;;
    StorageClass) printf ' Give other names: storageClasses in values/knit-storage-nfs.yaml.' ;;
    PriorityClass) printf ' Give another name: worker.priorityClass in values/knit-app.yaml.' ;;
  esac
}

check_node_ports() {
  local port user file
  port=$(for file in knit-app knit-image-registry; do node_ports_of "$file"; done | sort | uniq -d | head -n 1)
  [[ -z $port ]] || problem "knitd and the image registry can't both have port $port of the nodes. Change knitd.port in values/knit-app.yaml, or port in values/knit-image-registry.yaml."
  k get services --all-namespaces -o jsonpath='{range .items[*]}{.metadata.namespace}/{.metadata.name}{range .spec.ports[*]} {.nodePort}{end}{"\n"}{end}' >"$work/ports" 2>/dev/null || return 0
  while read -r file port; do
    user=$(awk -v port="$port" '{ for (i = 2; i <= NF; i++) if ($i == port) print $1 }' "$work/ports" | head -n 1)
    [[ -z $user || $user == "$namespace/knitd" || $user == "$namespace/image-registry" ]] ||
      problem "port $port of the nodes is used by the service $user. Choose another one in values/$file.yaml."
  done < <(for file in knit-app knit-image-registry; do node_ports_of "$file" | sed "s/^/$file /"; done)
}

node_ports_of() { # CHART
  sed -n 's/.*nodePort: *\([0-9]*\).*/\1/p' "$work/rendered/$1.yaml" | sort -u
}

# Volumes are used by several nodes at once. What can't do that is known for the usual provisioners only.
check_storage_class() {
  [[ -f $work/values/knit-storage-nfs.json ]] || return 0
  local name provisioner advice='Knitfab needs volumes which several nodes use at once (ReadWriteMany), such as those of NFS, CephFS or Longhorn.'
  name=$(ask knit-storage-nfs .Values.storageClass)
  if [[ -z $name ]]; then
    check_nfs_server
    return
  fi
  if ! provisioner=$(k get storageclass "$name" -o jsonpath='{.provisioner}' 2>"$work/error"); then
    if grep -q NotFound "$work/error"; then
      problem "there is no StorageClass $name. There are: $(k get storageclass -o jsonpath='{.items[*].metadata.name}' 2>/dev/null)"
    else
      problem "StorageClass $name can't be looked at: $(last_line "$work/error")"
    fi
    return
  fi
  case $provisioner in
    kubernetes.io/no-provisioner | kubernetes.io/aws-ebs | ebs.csi.* | kubernetes.io/gce-pd | kubernetes.io/azure-disk | disk.csi.azure.com | \
      kubernetes.io/host-path | k8s.io/minikube-hostpath | docker.io/hostpath | cinder.csi.* | rbd.csi.ceph.com | *.rbd.csi.ceph.com | openebs.io/local | local.csi.* | topolvm.*)
      problem "the volumes of StorageClass $name ($provisioner) belong to one node. $advice" ;;
    rancher.io/local-path)
      k get configmaps --all-namespaces --field-selector metadata.name=local-path-config -o jsonpath='{.items[*].data.config\.json}' 2>/dev/null |
        grep -q sharedFileSystemPath || problem "the volumes of StorageClass $name ($provisioner) belong to one node, as it is set up. $advice" ;;
  esac
}

# What holds volumes must not go before they do, and a volume never changes its StorageClass.
check_storage_stays() {
  local claim class old server=''
  while read -r claim class; do
    if ! old=$(kn get persistentvolumeclaim "$claim" --ignore-not-found -o jsonpath='{.spec.storageClassName}' 2>"$work/error"); then
      problem "whether there is a volume $claim can't be looked at: $(last_line "$work/error")"
      continue
    fi
    [[ -z $old || $old == "$class" ]] ||
      problem "volume $claim is of StorageClass $old, and can't come to be of $class. Take storageClass back to what it was; to move to another storage, back the data up, uninstall.sh --hard, and install anew."
  done < <(cat "$work"/rendered/*.yaml 2>/dev/null | awk '/^---/ { name = kind = "" } /^kind:/ { kind = $2 } /^  name:/ && name == "" { name = $2 }
    kind == "PersistentVolumeClaim" && /^  storageClassName:/ { print name, $2 }' | tr -d '"')
  [[ -f $work/rendered/knit-storage-nfs.yaml && -n $(kn get persistentvolumeclaims -l app.kubernetes.io/name=knitfab -o name 2>/dev/null) ]] || return 0
  [[ -n $(kn get deployment nfs-server --ignore-not-found -o name 2>/dev/null) ]] && server=yes
  if [[ -n $server ]] && ! grep -q '^  name: nfs-server$' "$work/rendered/knit-storage-nfs.yaml"; then
    problem "the NFS server in the cluster would go, and with it what its volumes hold. Take nfs.external and storageClass back to what they were; to move to another storage, back the data up, uninstall.sh --hard, and install anew."
  elif [[ -z $server && -n $(kn get secret -l owner=helm,name=knit-storage-nfs -o name 2>/dev/null) ]] &&
    [[ $(ask knit-storage-nfs .Values.storageClass) == '' && $(ask knit-storage-nfs .Values.nfs.external) != true ]]; then
    problem "volumes that are there are on another storage than an NFS server in the cluster. Take nfs.external and storageClass back to what they were; to move, back the data up, uninstall.sh --hard, and install anew."
  fi
}

# One of the cluster keeps what it has where it is told to, and nowhere else.
check_nfs_server() {
  [[ $(ask knit-storage-nfs .Values.nfs.external) != true && -z $(ask knit-storage-nfs .Values.nfs.volumeClaim) ]] || return 0
  if [[ -z $(ask knit-storage-nfs .Values.nfs.hostPath) ]]; then
    warn "nothing is kept when the pod of the NFS server in the cluster goes. In values/knit-storage-nfs.yaml, set nfs.external and nfs.server to use your own, nfs.hostPath and nfs.node to keep it on a node, or storageClass."
  elif [[ -z $(ask knit-storage-nfs .Values.nfs.node) && $(wc -l <"$work/nodes") -gt 1 ]]; then
    warn "nothing is found again when the NFS server in the cluster comes to another node, as nfs.hostPath is a directory of one node. Set nfs.node in values/knit-storage-nfs.yaml."
  fi
}

check_names_in_certificate() {
  local certificate=$settings/certs/server.crt address missing=()
  [[ -f $certificate && -f $work/values/knit-certs.json ]] || return 0
  [[ $(ask knit-certs .Values.cert) == "$(base64_of "$certificate")" ]] ||
    problem "certs/server.crt and values/knit-certs.yaml hold different certificates. Let the installer put yours into both: --renew-certs --tls-ca-cert FILE --tls-cert FILE --tls-key FILE"
  if ! openssl x509 -in "$certificate" -noout -checkend 0 >/dev/null; then
    problem "certs/server.crt has expired: run installer.sh --renew-certs -s $settings"
  elif ! openssl x509 -in "$certificate" -noout -checkend $((30 * 86400)) >/dev/null; then
    warn "certs/server.crt expires on $(openssl x509 -in "$certificate" -noout -enddate | cut -d= -f2): run installer.sh --renew-certs -s $settings"
  fi
  for address in $(addresses_of_type InternalIP ExternalIP); do certificate_names "$certificate" "$address" || missing+=("$address"); done
  [[ ${#missing[@]} == 0 ]] || warn "the server's certificate does not name every node (${missing[*]}): users can reach Knitfab by other names only. $(renewal_advice "$certificate")"
}

renewal_advice() {
  if made_here "$1"; then printf 'Renew it: installer.sh --renew-certs -s %s' "$settings"; else printf 'If yours names a domain, correct the handout (see the admin guide), or give --host NAME.'; fi
}

certificate_names() { # CERTIFICATE NAME
  if is_address "$2"; then openssl x509 -in "$1" -noout -checkip "$2"; else openssl x509 -in "$1" -noout -checkhost "$2"; fi 2>/dev/null | grep -q 'does match'
}

check_namespace() {
  [[ $(k get namespace "$namespace" -o jsonpath='{.status.phase}' 2>/dev/null) != Terminating ]] ||
    problem "namespace $namespace is being deleted: wait until it is gone"
  local level needed=baseline why='Workers and Data Agents run as whatever user an image names'
  level=$(k get namespace "$namespace" -o jsonpath='{.metadata.labels.pod-security\.kubernetes\.io/enforce}' 2>/dev/null) || level=''
  if cat "$work"/rendered/*.yaml | grep -qE '^ *hostPath:|^ *privileged: true'; then
    needed=privileged why='NFS volumes are mounted, and certificates given to nodes, by pods that reach into the node'
  fi
  [[ -z $level || $level == privileged || $level == "$needed" ]] ||
    problem "namespace $namespace admits only pods of the Pod Security level $level, and $needed is needed. $why. kubectl label namespace $namespace --overwrite pod-security.kubernetes.io/enforce=$needed"
}

# One line a release that a broken-off helm has left: SECRET CHART STATUS
half_finished() {
  kn get secrets -l 'owner=helm,status in (pending-install,pending-upgrade,pending-rollback,uninstalling)' \
    -o jsonpath='{range .items[*]}{.metadata.name} {.metadata.labels.name} {.metadata.labels.status}{"\n"}{end}' 2>/dev/null |
    awk '$2 ~ /^knit-/'
}

check_releases() {
  [[ -n $recover ]] && return
  local chart status
  while read -r _ chart status; do
    problem "an installation of $chart is half finished ($status): another one is under way, or was broken off on another machine. Wait for it, or go on in its place with --recover."
  done < <(half_finished)
}

# What helm notes before it starts is taken back, so that it starts again. The objects it made stay, and are taken over.
recover_releases() {
  local secret chart status
  while read -r secret chart status; do
    say "going on with $chart, which was left $status"
    if [[ $status == uninstalling ]]; then h uninstall "$chart" --wait >/dev/null; else kn delete secret "$secret" >/dev/null; fi
  done < <(half_finished)
}

# --- install ----------------------------------------------------------------

install() {
  find_settings
  need_tools helm kubectl openssl
  choose_namespace
  connect
  read_nodes
  lock_settings
  take_bundle
  fetch_charts
  read_remembered
  complete_certificates
  preflight
  say "Kubernetes $kubernetes_version, $(wc -l <"$work/nodes" | tr -d ' ') node(s); Knitfab $(chart_version_of knit-app) into namespace $namespace, $(storage_in_words)"
  if [[ $action == check ]]; then
    say "all that an installation needs is there"
    return
  fi
  keep_remembered
  remember_target
  make_namespace
  write_uninstaller
  recover_releases
  keep_charts
  if [[ -n $bundle ]]; then
    install_with_bundle
  else
    release knit-storage-nfs
    release knit-certs
    release knit-db-postgres
    release knit-image-registry
    release knit-app
  fi
  write_handout
  say "Knitfab is ready at $(api_root)"
  say "  for its users: $settings/handout (its README.md says how it is used)"
  say "  to uninstall:  $settings/uninstall.sh"
}

storage_in_words() {
  local name; name=$(ask knit-storage-nfs .Values.storageClass)
  if [[ -n $name ]]; then printf 'volumes of StorageClass %s' "$name"
  elif [[ $(ask knit-storage-nfs .Values.nfs.external) == true ]]; then printf 'volumes on NFS server %s' "$(ask knit-storage-nfs .Values.nfs.server)"
  else printf 'volumes on an NFS server in the cluster'
  fi
}

# What options say has to hold for later runs, too: it is kept as values, beside the administrator's own.
read_remembered() {
  [[ ! -d $settings/state/values ]] || cp -R "$settings/state/values" "$work/remembered"
  mkdir -p "$work/remembered"
  if [[ -n $storage_class_given ]]; then
    rm -rf "$work/remembered/storage-class"
    [[ -z $storage_class ]] || remember storage-class knit-storage-nfs "storageClass: \"$storage_class\""
  fi
  local of_bundle=''
  [[ -f $settings/state/bundle-version ]] && of_bundle=$(<"$settings/state/bundle-version")
  if [[ -n $bundle || -n $no_bundle ]]; then
    rm -rf "$work/remembered/bundle"
  elif [[ -n $of_bundle && $of_bundle != "$(chart_version_of knit-app)" ]]; then
    die "this is installed from a bundle of $of_bundle, and version $(chart_version_of knit-app) needs other images: give its bundle with --bundle, or --no-bundle to take images from the internet."
  fi
}

remember() { # OPTION CHART VALUES
  mkdir -p "$work/remembered/$1"
  printf '%s\n' "$3" >"$work/remembered/$1/$2.yaml"
}

keep_remembered() {
  rm -rf "$settings/state/values"
  cp -R "$work/remembered" "$settings/state/values"
  [[ -z $no_bundle ]] || rm -f "$settings/state/bundle-version"
}

# The server's certificate, where --prepare did not know the cluster, or as it was then.
complete_certificates() {
  local folder=$settings/certs
  [[ -f $folder/ca.key ]] || return 0
  if [[ $action == check ]]; then
    [[ -f $folder/server.crt ]] || try_out_certificates
    return
  fi
  if [[ -f $folder/server.crt ]]; then
    made_here "$folder/server.crt" || return 0
    if h status knit-certs >/dev/null 2>&1 || names_everything "$folder"; then return; fi
  fi
  make_server_certificate "$folder"
  write_certificate_values "$settings"
  say "made the server's certificate for the cluster's nodes"
}

# Certificates as an installation would make them, only to look at what the charts make of them.
try_out_certificates() {
  mkdir -p "$work/prepared/values" "$work/remembered/certificate"
  cp -R "$settings/certs" "$work/prepared/certs"
  cp "$settings/values/knit-certs.yaml" "$work/prepared/values"
  make_server_certificate "$work/prepared/certs"
  write_certificate_values "$work/prepared"
  cp "$work/prepared/values/knit-certs.yaml" "$work/remembered/certificate"
}

names_everything() { # FOLDER
  local name
  add_names "$1/names"
  for name in $(server_names "$1"); do certificate_names "$1/server.crt" "${name//[\[\]]/}" || return 1; done
}

make_namespace() {
  k get namespace "$namespace" >/dev/null 2>&1 && return
  k create namespace "$namespace" >/dev/null
  # so that uninstall.sh --hard knows that it may delete it
  k label namespace "$namespace" knitfab/made-by=installer >/dev/null
  say "made namespace $namespace"
}

keep_charts() { # what is installed, for --renew-certs and for the administrator's own use of helm
  rm -rf "$settings/state/charts"
  cp -R "$work/charts" "$settings/state/charts"
}

# Installs or upgrades one chart, tells how its pods come along, and leaves its values for the charts after it.
release() { # CHART
  local started=$SECONDS before='' now
  values_of "$1"
  say "$1 $(chart_version_of "$1")"
  h upgrade --install "$1" "$work/charts/$1" "${values[@]}" --history-max 5 --wait --timeout "$timeout" >"$work/helm" 2>&1 &
  helm_process=$!
  printf '%s\n' "$helm_process" >"$lock/helm"
  while kill -0 "$helm_process" 2>/dev/null; do
    sleep 1
    now=$(progress_of "$1") || now=$before
    if [[ $now != "$before" && -n $now ]]; then
      say "  $((SECONDS - started)) s: $now"
      before=$now
    fi
  done
  if ! wait "$helm_process"; then
    helm_process=''
    explain_failure "$1"
  fi
  helm_process=''
  h get values "$1" -o json --all >"$work/values/$1.json"
}

# What the pods of a release that are not ready wait for, such as "database-postgres: waits for its volume".
progress_of() { # CHART
  # shellcheck disable=SC2016 # the dollars are the template's own
  kn get pods -l "$label/instance=$1" -o go-template='{{ range .items }}{{ $name := index .metadata.labels "app.kubernetes.io/component" }}{{ range .status.conditions }}{{ if and (eq .type "PodScheduled") (eq .status "False") }}{{ $name }}|{{ .message }}{{ "\n" }}{{ end }}{{ end }}{{ range .status.initContainerStatuses }}{{ with .state.waiting }}{{ $name }}|{{ .reason }}{{ "\n" }}{{ end }}{{ end }}{{ range .status.containerStatuses }}{{ if .state.waiting }}{{ $name }}|{{ .state.waiting.reason }}{{ "\n" }}{{ else if and .state.running (not .ready) }}{{ $name }}|starts{{ "\n" }}{{ end }}{{ end }}{{ end }}' 2>/dev/null |
    sed -e 's/|PodInitializing$/|starts/' -e 's/|ContainerCreating$/|starts/' -e 's/|.*PersistentVolumeClaim.*/|waits for its volume/' |
    awk -F'|' '
      $2 == "starts" { if (++starting <= 2) names = names (names ? ", " : "") $1; next }
      !seen[$0]++ { others = others "; " $1 ": " $2 }
      END { if (starting) others = "; " (starting <= 2 ? names (starting == 1 ? " starts" : " start") : starting " pods start") others; print substr(others, 3) }'
}

explain_failure() { # CHART
  printf 'error: %s was not installed: %s\n' "$1" "$(last_line "$work/helm")" >&2
  kn get pods -l "$label/instance=$1" -o jsonpath='{range .items[*]}{.metadata.name}|{range .status.containerStatuses[*]}{.state.waiting.reason} {.state.waiting.message}{end}|{range .status.conditions[?(@.status=="False")]}{.message} {end}{"\n"}{end}' 2>/dev/null |
    while IFS='|' read -r pod waiting condition; do
      [[ -z ${waiting// /}${condition// /} ]] || printf '  pod %s: %s\n' "$pod" "$([[ -n ${waiting// /} ]] && printf '%s' "$waiting" || printf '%s' "$condition")" >&2
    done
  kn get events --field-selector type=Warning --sort-by=.lastTimestamp -o jsonpath='{range .items[*]}  {.involvedObject.kind} {.involvedObject.name}: {.message}{"\n"}{end}' 2>/dev/null | tail -n 5 >&2
  local again="run the same command again: it goes on from here"
  # The same command would make new certificates once more.
  [[ $action != renew ]] || again="put the certificates that were made into the cluster: installer.sh --install -s $settings"
  die "see what is written above (kubectl -n $namespace describe pods tells more), mend it, and $again."
}

# --- handout ----------------------------------------------------------------

scheme() { if [[ -n $(ask knit-certs .Values.cert) ]]; then echo https; else echo http; fi; }
api_root() { sed -n 's/^apiRoot: *"\{0,1\}\([^"]*\)"\{0,1\} *$/\1/p' "$settings/handout/knitprofile"; }
in_url() { if [[ $1 == *:* ]]; then printf '[%s]' "$1"; else printf '%s' "$1"; fi; }

# The name or address in the handout. An administrator's correction stays; the address of a node that is gone does not.
handout_host() {
  local generated='' written=''
  [[ -f $settings/state/handout-host ]] && generated=$(<"$settings/state/handout-host")
  [[ -f $settings/handout/knitprofile ]] && written=$(api_root | sed -E 's#^https?://(\[[^]]*\]|[^:/]*).*#\1#; s/^\[(.*)\]$/\1/')
  if [[ -n $host ]]; then printf '%s\n' "$host"
  elif [[ -n $written ]] && { [[ $written != "$generated" ]] || node_addresses | grep -qxF -- "$written"; }; then printf '%s\n' "$written"
  else node_addresses | head -n 1
  fi
}

# Of ready nodes, those from outside first.
node_addresses() {
  local type
  for type in ExternalIP InternalIP; do
    awk -F'|' '$4 == "True" { print $2 }' "$work/nodes" | tr ',' '\n' | sed -n "s/^$type=//p"
  done
}

write_handout() {
  local folder=$settings/handout name port registry_port certificate=$work/ca.crt
  name=$(handout_host)
  port=$(ask knit-app .Values.knitd.port) registry_port=$(ask knit-image-registry .Values.port)
  mkdir -p "$folder"
  ask knit-certs .Values.cacert | openssl base64 -d -A >"$certificate"
  {
    printf 'apiRoot: %s://%s:%s/api\n' "$(scheme)" "$(in_url "$name")" "$port"
    [[ $(scheme) == http ]] || printf 'cert:\n    ca: %s\n' "$(base64_of "$certificate")"
  } >"$folder/knitprofile"
  write_registry_trust "$folder/docker/certs.d" "$(in_url "$name")" "$registry_port" "$certificate"
  handout_readme "$(in_url "$name"):$registry_port" >"$folder/README.md"
  chmod -R u=rwX,go=rX "$folder" # it is given to users, and holds no secret
  printf '%s\n' "$name" >"$settings/state/handout-host"
}

# docker/certs.d/HOST:PORT/ca.crt for each HOST that is there (an administrator may have renamed it), else for this one.
write_registry_trust() { # FOLDER HOST PORT CERTIFICATE
  local directory hosts=()
  for directory in "$1"/*:*/; do
    [[ -d $directory ]] || continue
    directory=$(basename "$directory")
    [[ -z $host && ${directory%:*} != "$(in_url "$(cat "$settings/state/handout-host" 2>/dev/null)")" ]] && hosts+=("${directory%:*}")
  done
  rm -rf "$1"
  [[ -s $4 && $(ask knit-image-registry .Values.external) != true ]] || return 0
  [[ ${#hosts[@]} -gt 0 ]] || hosts=("$2")
  for directory in "${hosts[@]}"; do
    mkdir -p "$1/$directory:$3"
    cp "$4" "$1/$directory:$3/ca.crt"
  done
}

handout_readme() { # REGISTRY
  local trust="Copy \`docker/certs.d/*\` to \`/etc/docker/certs.d/\` (Podman: \`/etc/containers/certs.d/\`) of the machine you push from, so that it trusts the registry."
  [[ $(scheme) == https ]] || trust="The registry speaks plain HTTP: name it in \`insecure-registries\` of \`/etc/docker/daemon.json\` (Podman: \`--tls-verify=false\`)."
  cat <<X
Knitfab: how to connect
=======================

| | |
|---|---|
| \`knitprofile\` | how the command \`knit\` reaches Knitfab |
| \`docker/certs.d/\` | certificate of the registry for your images |

In the directory of your project:

    knit init path/to/this/handout/knitprofile
X
  [[ $(ask knit-image-registry .Values.external) != true ]] || return 0
  cat <<X

Images for your Plans go into the registry \`$1\`.
$trust

    docker build -t $1/my-image:v1 .
    docker push $1/my-image:v1
X
}

# --- renewing certificates --------------------------------------------------

renew() {
  find_settings
  need_tools helm kubectl openssl
  [[ -f $settings/certs/ca.crt || -n $ca_cert ]] || die "these settings have no certificates (--no-tls): there is nothing to renew"
  if [[ -f $settings/namespace || -n $namespace ]]; then choose_namespace; fi
  connect
  read_nodes
  die_of_problems "the cluster can't be used:"
  lock_settings
  make_new_certificates
  replace_certificates
  put_certificates_into_cluster
}

make_new_certificates() { # in $work/certs
  local old=$settings/certs folder=$work/certs
  mkdir "$folder"
  cp "$old"/* "$folder" 2>/dev/null || true
  if [[ -n $ca_cert$server_cert$ca_key$server_key ]]; then
    if [[ -z $ca_cert && -n $server_cert ]]; then ca_cert=$old/ca.crt; fi
    check_given_certificates
    die_of_problems "the certificates can't be used. Nothing was changed:"
    rm -f "$folder"/ca.* "$folder"/server.*
    fill_certificates "$folder"
    return
  fi
  [[ ! -f $old/server.crt ]] || made_here "$old/server.crt" ||
    die "the server's certificate is your own. Give the new one: --renew-certs --tls-ca-cert FILE --tls-cert FILE --tls-key FILE"
  if [[ -n $renew_ca ]]; then
    made_here "$old/ca.crt" || die "the certificate authority is your own. Give the new one: --renew-certs --tls-ca-cert FILE --tls-ca-key FILE"
    make_authority "$folder"
  fi
  [[ -f $folder/ca.key ]] || die "certs/ca.key, the key of the certificate authority, is missing: without it nothing can be signed. Make a new authority with --renew-ca."
  check_certificate CA "$folder/ca.crt" "$folder/ca.key"
  die_of_problems "the certificate authority can't be used (--renew-ca makes a new one). Nothing was changed:"
  make_server_certificate "$folder"
}

replace_certificates() {
  local aside; aside=$settings/certs/before-$(date +%Y%m%d-%H%M%S)
  mkdir "$aside"
  find "$settings/certs" -maxdepth 1 -type f -exec mv {} "$aside" \;
  cp "$work"/certs/* "$settings/certs/"
  write_certificate_values "$settings"
  say "new certificates are in $settings/certs, the old ones in $aside"
  say "  the server's names: $(openssl x509 -in "$settings/certs/server.crt" -noout -text | sed -n '/Subject Alternative Name/{n;s/DNS:\|IP Address://g;s/^ *//;p;}')"
}

# Upgrades the charts that know certificates, to the version that is installed. knitd notices by itself; the registry is rolled.
put_certificates_into_cluster() {
  local chart before=''
  if [[ -z $namespace ]] || ! h status knit-certs >/dev/null 2>&1; then
    say "Knitfab is not installed yet: they are used when it is"
    return
  fi
  [[ ! -f $settings/handout/knitprofile ]] || before=$(authority_in_handout)
  if [[ -d $settings/state/charts ]]; then cp -R "$settings/state/charts" "$work/charts"; else fetch_charts; fi
  mkdir "$work/remembered"
  [[ ! -d $settings/state/values ]] || cp -R "$settings/state/values/." "$work/remembered"
  for chart in "${charts[@]}"; do
    if ! h get values "$chart" -o json --all >"$work/values/$chart.json" 2>/dev/null; then
      die "the new certificates can't be put into the cluster, since $chart is not installed. Run the installer: installer.sh --install -s $settings"
    fi
    compute_values "$chart" || die "values/$chart.yaml can't be read: $(last_line "$work/error")"
  done
  recover_releases
  release knit-certs
  release knit-image-registry
  release knit-app
  write_handout
  wait_until_served
  say "the new certificates are in the cluster"
  [[ $before == "$(authority_in_handout)" ]] ||
    warn "there is a new certificate authority: give the handout ($settings/handout) to all users again. Until then they can't reach Knitfab."
}

authority_in_handout() { sed -n 's/^ *ca: *//p' "$settings/handout/knitprofile"; }

# A changed Secret reaches knitd's pods within two minutes.
wait_until_served() {
  local address port wanted served=''
  address=$(node_addresses | head -n 1) port=$(ask knit-app .Values.knitd.port)
  wanted=$(openssl x509 -in "$settings/certs/server.crt" -noout -fingerprint -sha256)
  say "waiting until knitd serves its new certificate"
  for ((i = 0; i < 60; i++)); do
    served=$(openssl s_client -connect "$(in_url "$address"):$port" </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256 2>/dev/null) || served=''
    [[ $served != "$wanted" ]] || return 0
    sleep 3
  done
  warn "knitd at $address:$port $([[ -n $served ]] && echo 'still serves the old certificate' || echo "can't be reached from here"): look at it again in some minutes"
}

# --- bundles ----------------------------------------------------------------

# A bundle is a tar of knitfab-bundle/{charts/*.tgz,images/{contents,blobs/sha256/*},SHA256SUMS}, or such a folder.
take_bundle() {
  [[ -n $bundle ]] || return 0
  local wanted=()
  [[ $action == install ]] || wanted=(knitfab-bundle/charts knitfab-bundle/images/contents)
  say "reading the bundle $bundle"
  tar -xmf "$bundle" -C "$work" "${wanted[@]}" 2>"$work/error" || die "$bundle can't be unpacked: $(last_line "$work/error"). Is it made by bundle.sh, and is there room in ${TMPDIR:-/tmp}?"
  chart_repository=$work/knitfab-bundle/charts
  [[ $action == install ]] || return 0
  (cd "$work/knitfab-bundle" && { sha256sum -c --quiet SHA256SUMS || shasum -a 256 -c SHA256SUMS; }) >"$work/error" 2>&1 ||
    die "$bundle is damaged: $(head -n 1 "$work/error"). Copy it again."
}

install_with_bundle() {
  local mirror
  if [[ $(ask knit-image-registry .Values.external) == true || -z $(ask knit-certs .Values.cert) ]]; then
    say "there is no registry with a certificate in the cluster: every node has to hold every image"
    put_images_on_nodes "${charts[@]}"
    mirror=''
  else
    put_images_on_nodes knit-storage-nfs knit-image-registry
    mirror=$(in_url "$(registry_host)"):$(ask knit-image-registry .Values.port)
  fi
  release knit-storage-nfs
  release knit-certs
  release knit-image-registry
  if [[ -n $mirror ]]; then
    push_images "$mirror"
    check_nodes_pull "$mirror"
    remember bundle knit-db-postgres "imageMirror: \"$mirror\""
    remember bundle knit-app "imageMirror: \"$mirror\""
  fi
  keep_remembered
  chart_version_of knit-app >"$settings/state/bundle-version"
  release knit-db-postgres
  release knit-app
}

# By which name nodes pull: a node's address, unless the certificate is one for a domain.
registry_host() {
  local address
  for address in $(node_addresses | sort -u); do
    if certificate_names "$settings/certs/server.crt" "$address"; then printf '%s\n' "$address"; return; fi
  done
  handout_host
}

images_of() { # CHART…: names of images in what they render
  local chart
  for chart in "$@"; do sed -n 's/^ *\(- \)\{0,1\}image: *"\{0,1\}\([^" ]*\)"\{0,1\} *$/\2/p' "$work/rendered/$chart.yaml"; done | sort -u
}

bundled() { awk '$1 == "image" { print $2 }' "$work/knitfab-bundle/images/contents"; }

check_bundle_is_complete() {
  local image architecture
  for image in $(images_of "${charts[@]}"); do
    bundled | grep -qxF "$image" || problem "the bundle lacks the image $image (bundle.sh --settings DIR takes what settings need)"
  done
  cut -d'|' -f7 "$work/nodes" | sort -u >"$work/architectures"
  while read -r architecture; do
    grep -q "^platforms .*linux/$architecture" "$work/knitfab-bundle/images/contents" ||
      problem "the bundle is $(grep '^platforms ' "$work/knitfab-bundle/images/contents"), but there are nodes of linux/$architecture (bundle.sh --platform)"
  done <"$work/architectures"
}

# What has to run before the registry does can't come from the registry: nodes are given it as an archive.
put_images_on_nodes() { # CHART…
  local images archive=$settings/node-images.tar lacking node
  mapfile -t images < <(images_of "$@")
  say "looking whether the nodes hold ${#images[@]} image(s): ${images[*]}"
  find_lacking "${images[@]}"
  [[ -s $work/lacking ]] || return 0
  make_node_archive "$archive" "${images[@]}"
  mapfile -t lacking < <(cut -d' ' -f1 "$work/lacking" | sort -u)
  if [[ -n $node_import ]]; then
    for node in "${lacking[@]}"; do import_on_node "$node" "$archive"; done
    find_lacking "${images[@]}"
  fi
  if [[ -s $work/lacking ]]; then tell_to_import "$archive"; exit 3; fi
  rm -f "$archive"
}

import_on_node() { # NODE ARCHIVE
  local command=$node_import address
  address=$(awk -F'|' -v node="$1" '$1 == node { print $2 }' "$work/nodes" | tr ',' '\n' | sed -n 's/^InternalIP=//p' | head -n 1)
  command=${command//%node/$1} command=${command//%address/$address} command=${command//%archive/$2}
  say "  $1: $command"
  bash -c "$command" <"$2" >"$work/out" 2>&1 || die "images could not be loaded into node $1 by \"$command\": $(last_line "$work/out")"
}

tell_to_import() { # ARCHIVE
  cat >&2 <<X
These nodes lack images that have to be there before the cluster's own registry runs:
$(awk '{ nodes[$1] = nodes[$1] " " $2 } END { for (node in nodes) printf "  %s:%s\n", node, nodes[node] }' "$work/lacking" | sort)
Copy $1 to each of them, and load it there:
  sudo ctr -n k8s.io images import $(basename "$1")     (containerd)
Then run the same command again. With ssh to the nodes, the installer can do it itself:
  --node-import 'ssh root@%address ctr -n k8s.io images import -'
X
}

# Lines "NODE IMAGE" of what is not there, in $work/lacking. A pod on each node that may not pull says so at once.
find_lacking() { # IMAGE…
  local node ready number=0 answer
  : >"$work/lacking"
  while IFS='|' read -r node _ _ ready _; do
    [[ $ready == True ]] || { warn "node $node is not ready: it is left out"; continue; }
    number=$((number + 1))
    probe_pod "knitfab-image-check-$number" "$node" Never "$@"
  done <"$work/nodes" >"$work/probes"
  run_probes
  while read -r node answer; do
    [[ $answer != *ErrImageNeverPull* ]] || printf '%s %s\n' "$node" "${answer%%|*}"
  done <"$work/probed" >"$work/lacking"
}

check_nodes_pull() { # REGISTRY: every node has to reach and to trust it
  local node ready number=0 image advice
  say "looking whether the nodes can pull from $1"
  image=$(images_of knit-image-registry | tail -n 1)
  while IFS='|' read -r node _ _ ready _; do
    [[ $ready == True ]] || continue
    number=$((number + 1))
    probe_pod "knitfab-pull-check-$number" "$node" Always "$1/$(path_of "$image")"
  done <"$work/nodes" >"$work/probes"
  run_probes
  while read -r node advice; do
    [[ $advice != *ErrImagePull* && $advice != *ImagePullBackOff* ]] || problem "$node: ${advice##*|}"
  done <"$work/probed"
  advice="Set nodeCerts.use to true in values/knit-image-registry.yaml"
  [[ $(ask knit-image-registry .Values.nodeCerts.use) != true ]] || advice="Does containerd of these nodes read $(ask knit-image-registry .Values.nodeCerts.hostPath) (config_path in /etc/containerd/config.toml)? See docs/admin-guide.md"
  die_of_problems "nodes can't pull images from the cluster's registry $1. $advice, and run this again:"
}

probe_pod() { # NAME NODE PULL_POLICY IMAGE…: a pod that does nothing; only how its images fare is of interest
  local name=$1 node=$2 policy=$3 image number=0
  shift 3
  cat <<X
---
apiVersion: v1
kind: Pod
metadata: { name: $name, labels: { $label/name: knitfab, $label/component: image-check } }
spec:
  nodeName: $node
  restartPolicy: Never
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 0
  tolerations: [{ operator: Exists }]
  securityContext: { runAsNonRoot: true, runAsUser: 65534, seccompProfile: { type: RuntimeDefault } }
  containers:
X
  for image in "$@"; do
    number=$((number + 1))
    printf '    - { name: image-%d, image: "%s", imagePullPolicy: %s, command: ["true"], securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: [ALL] } } }\n' "$number" "$image" "$policy"
  done
}

# Makes the pods of $work/probes, waits until each image has fared somehow, leaves lines "NODE IMAGE|REASON|MESSAGE" in $work/probed.
run_probes() {
  local fared='' node
  kn delete pods -l "$label/component=image-check" --ignore-not-found --wait >/dev/null
  kn create -f "$work/probes" >/dev/null 2>"$work/error" || die "the nodes' images can't be looked at: $(last_line "$work/error")"
  for ((i = 0; i < 60; i++)); do
    kn get pods -l "$label/component=image-check" -o jsonpath='{range .items[*]}{range .status.containerStatuses[*]}{.image}|{.state.waiting.reason}|{.state.waiting.message}{"\n"}{end}{"\n"}{end}' >"$work/out" 2>/dev/null || true
    fared=$(awk -F'|' 'NF > 1 && $2 != "ContainerCreating" && $2 != "PodInitializing"' "$work/out" | wc -l)
    [[ $fared -lt $(grep -c 'imagePullPolicy' "$work/probes") ]] || break
    sleep 1
  done
  # shellcheck disable=SC2016 # the dollars are the templates' own
  kn get pods -l "$label/component=image-check" -o go-template='{{ range .items }}{{ $node := .spec.nodeName }}{{ range .spec.containers }}{{ $node }} {{ .name }} {{ .image }}{{ "\n" }}{{ end }}{{ end }}' >"$work/asked"
  # shellcheck disable=SC2016
  kn get pods -l "$label/component=image-check" -o go-template='{{ range .items }}{{ $node := .spec.nodeName }}{{ range .status.containerStatuses }}{{ $node }} {{ .name }} {{ with .state.waiting }}{{ .reason }}|{{ .message }}{{ else }}present|{{ end }}{{ "\n" }}{{ end }}{{ end }}' >"$work/answered"
  awk 'NR == FNR { image[$1 " " $2] = $3; next } NF > 2 { key = $1 " " $2; node = $1; $1 = $2 = ""; sub(/^ */, ""); print node, image[key] "|" $0 }' "$work/asked" "$work/answered" >"$work/probed"
  kn delete pods -l "$label/component=image-check" --wait=false >/dev/null
  cut -d' ' -f1 "$work/asked" | sort -u | while read -r node; do
    grep -q "^$node " "$work/probed" || warn "node $node has not answered within a minute: it is left out"
  done
}

# An archive that `ctr images import` takes: an OCI image layout with some of the bundle's images.
make_node_archive() { # FILE IMAGE…
  local file=$1 image separator='' folder=$work/knitfab-bundle/images
  shift
  printf '{"imageLayoutVersion":"1.0.0"}' >"$folder/oci-layout"
  {
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":['
    for image in "$@"; do
      printf '%s' "$separator"
      awk -v image="$image" '$1 == "image" && $2 == image { printf "{\"mediaType\":\"%s\",\"digest\":\"%s\",\"size\":%s,\"annotations\":{\"io.containerd.image.name\":\"%s\",\"org.opencontainers.image.ref.name\":\"%s\"}}", $3, $4, $5, image, image }' "$folder/contents"
      separator=,
    done
    printf ']}'
  } >"$folder/index.json"
  {
    printf '%s\n' oci-layout index.json
    for image in "$@"; do parts_of "$image" | sed -n 's#^[a-z]* sha256:\([0-9a-f]*\).*#blobs/sha256/\1#p'; done | sort -u
  } >"$work/files"
  tar -cf "$file" -C "$folder" -T "$work/files"
  chmod 644 "$file" # public images, to be copied elsewhere
}

parts_of() { # IMAGE: lines "blob DIGEST" and "manifest DIGEST TYPE", in the order in which a registry takes them
  awk -v image="$1" '$1 == "image" { within = $2 == image; next } within' "$work/knitfab-bundle/images/contents"
}

path_of() { printf '%s\n' "$1" | sed -E 's#^(localhost|[^/]*[.:][^/]*)/##'; }

# Pushes every image of the bundle, by the registry's own API (OCI distribution specification).
push_images() { # REGISTRY
  local image
  command -v curl >/dev/null || die "curl is not installed: it is needed to put the bundle's images into the registry"
  ask knit-certs .Values.cacert | openssl base64 -d -A >"$work/ca.crt"
  reach_registry "$1"
  say "putting $(bundled | wc -l | tr -d ' ') images into $1"
  for image in $(bundled); do
    say "  $(path_of "$image")"
    push_image "$1" "$image"
  done
  if [[ -n $forward_process ]]; then kill "$forward_process" 2>/dev/null || true; forward_process=''; fi
}

# Directly where the port can be reached from here, else through the Kubernetes API.
reach_registry() { # HOST:PORT
  local port=''
  registry_options=(--silent --show-error --noproxy '*' --cacert "$work/ca.crt")
  if curl "${registry_options[@]}" --fail --max-time 10 -o /dev/null "https://$1/v2/" 2>"$work/error"; then return; fi
  kn port-forward deployment/image-registry-registry :5000 >"$work/forward" 2>&1 &
  forward_process=$!
  for ((i = 0; i < 100; i++)); do
    port=$(sed -n 's/^Forwarding from 127.0.0.1:\([0-9]*\) .*/\1/p' "$work/forward")
    [[ -z $port ]] || break
    sleep 0.2
  done
  registry_options+=(--connect-to "$1:127.0.0.1:$port")
  curl "${registry_options[@]}" --fail --max-time 20 -o /dev/null "https://$1/v2/" 2>"$work/error" ||
    die "the cluster's registry can't be reached at $1, neither directly nor through the Kubernetes API: $(last_line "$work/error")"
}

push_image() { # REGISTRY IMAGE
  local registry=$1 name tag kind digest type reference status folder=$work/knitfab-bundle/images/blobs/sha256 root
  name=$(path_of "$2") tag=${2##*:}
  name=${name%:*}
  root=$(awk -v image="$2" '$1 == "image" && $2 == image { print $4 }' "$work/knitfab-bundle/images/contents")
  while read -r kind digest type; do
    if [[ $kind == blob ]]; then
      push_blob "https://$registry/v2/$name" "$digest" "$folder/${digest#sha256:}"
    else
      reference=$digest
      [[ $digest != "$root" ]] || reference=$tag
      status=$(curl "${registry_options[@]}" -o "$work/out" -w '%{http_code}' -X PUT -H "Content-Type: $type" \
        --data-binary "@$folder/${digest#sha256:}" "https://$registry/v2/$name/manifests/$reference")
      [[ $status == 201 ]] || die "the registry does not take $2: $status $(head -c 300 "$work/out")"
    fi
  done < <(parts_of "$2")
}

push_blob() { # REPOSITORY_URL DIGEST FILE
  local status location
  status=$(curl "${registry_options[@]}" -o /dev/null -w '%{http_code}' --head "$1/blobs/$2")
  [[ $status != 200 ]] || return 0
  location=$(curl "${registry_options[@]}" -o "$work/out" -D - -X POST -H 'Content-Length: 0' "$1/blobs/uploads/" | tr -d '\r' | sed -n 's/^[Ll]ocation: *//p')
  [[ -n $location ]] || die "the registry takes no upload: $(head -c 300 "$work/out")"
  [[ $location != /* ]] || location=$(printf '%s' "$1" | sed 's#\(https://[^/]*\).*#\1#')$location
  if [[ $location == *\?* ]]; then location+="&digest=$2"; else location+="?digest=$2"; fi
  status=$(curl "${registry_options[@]}" -o "$work/out" -w '%{http_code}' -X PUT -H 'Content-Type: application/octet-stream' -H 'Expect:' -T "$3" "$location")
  [[ $status == 201 ]] || die "the registry does not take a layer: $status $(head -c 300 "$work/out")"
}

# --- uninstalling -----------------------------------------------------------

write_uninstaller() {
  cat >"$settings/uninstall.sh" <<'UNINSTALL'
#!/usr/bin/env bash
# Removes Knitfab from its cluster. Made by installer.sh; reads `kubeconfig` and `namespace` beside it.
set -euo pipefail

usage() {
  cat <<'USAGE'
Usage: uninstall.sh [--hard [--yes]]

Removes the application. Data, the database, the image registry and certificates stay: installing again goes on with them.

  --hard   removes everything of Knitfab: ALL DATA, the database, the registry's images, and the namespace if the
           installer made it. Asks first.
  --yes    does not ask
USAGE
}

hard='' yes=''
for option in "$@"; do
  case $option in
    --hard) hard=yes ;;
    --yes | -y) yes=yes ;;
    -h | --help) usage; exit 0 ;;
    *) printf 'error: %s is not known\n' "$option" >&2; usage >&2; exit 2 ;;
  esac
done

say() { printf '%s\n' "$*"; }
die() { printf 'error: %s\n' "$*" >&2; exit 1; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ -f $here/kubeconfig && -f $here/namespace ]] || die "$here/kubeconfig or $here/namespace is missing: they say where Knitfab is"
namespace=$(<"$here/namespace")
readonly label=app.kubernetes.io

k() { kubectl --kubeconfig "$here/kubeconfig" "$@"; }
kn() { k -n "$namespace" "$@"; }
h() { helm --kubeconfig "$here/kubeconfig" -n "$namespace" "$@"; }

for tool in helm kubectl; do command -v "$tool" >/dev/null || die "$tool is not installed"; done
k get --raw /version --request-timeout=15s >/dev/null 2>&1 || die "the cluster can't be reached with $here/kubeconfig"

remove_release() { # CHART
  [[ -n $(kn get secrets -l "owner=helm,name=$1" -o name) ]] || return 0
  say "removing $1"
  h uninstall "$1" --wait --timeout 5m >/dev/null || h uninstall "$1" --no-hooks --timeout 5m >/dev/null || die "$1 could not be removed: run this again"
}

ask_first() {
  [[ -z $yes ]] || return 0
  local volumes; volumes=$(kn get persistentvolumeclaims -o name 2>/dev/null | wc -l | tr -d ' ')
  say "This removes EVERYTHING of the Knitfab in namespace $namespace of $(k config view --minify -o jsonpath='{.clusters[0].cluster.server}'):"
  say "all data and logs, the lineage, and the images in its registry ($volumes volumes). There is no way back."
  [[ -t 0 ]] || die "nobody is there to be asked: give --yes if this is what you want"
  local answer
  read -r -p "Type the namespace's name to go on: " answer
  [[ $answer == "$namespace" ]] || die "that is not $namespace: nothing was removed"
}

# Workers, transfers and volumes, while the storage driver is still there to delete what volumes hold.
remove_data() {
  say "removing workers, transfers and data"
  kn delete jobs -l "$label/name=knitfab" --cascade=foreground --ignore-not-found --timeout=2m >/dev/null || true
  kn delete pods -l "$label/name=knitfab,$label/managed-by=knitfab" --grace-period=5 --ignore-not-found --timeout=2m >/dev/null || true
  kn delete pods -l "$label/component=image-check" --ignore-not-found --timeout=1m >/dev/null || true
}

note_claims() {
  kn get persistentvolumeclaims -l "$label/name=knitfab" -o jsonpath='{range .items[*]}claim {.metadata.name}{"\n"}{end}' >>"$here/.claims"
}

# Lines "NAME RECLAIM_POLICY PHASE": the PersistentVolumes that Knitfab's claims have or had.
our_volumes() {
  k get persistentvolumes -o jsonpath='{range .items[*]}{.metadata.name} {.spec.persistentVolumeReclaimPolicy} {.status.phase} {.spec.claimRef.namespace} {.spec.claimRef.name}{"\n"}{end}' |
    awk -v namespace="$namespace" '$1 == "claim" { ours[$2] = 1; next } $4 == namespace && ($5 in ours) { print $1, $2, $3 }' "$here/.claims" -
}

# Claims first. A volume that is kept ("Retain"), or whose driver has not removed any for three minutes, is removed by
# hand: its files stay where they are.
remove_volumes() {
  local volume volumes left fewest='' idle=0 told=$SECONDS
  note_claims
  kn delete persistentvolumeclaims -l "$label/name=knitfab" --ignore-not-found --wait=false >/dev/null
  while ((idle < 90)); do
    volumes=$(our_volumes) || { idle=$((idle + 1)) && sleep 2 && continue; }
    left=$(grep -c . <<<"$(grep -v ' Retain Released$' <<<"$volumes")") || break
    if [[ -z $fewest ]] || ((left < fewest)); then fewest=$left idle=0; else idle=$((idle + 1)); fi
    if ((SECONDS - told >= 15)); then say "  $left volumes are left" && told=$SECONDS; fi
    sleep 2
  done
  volumes=$(our_volumes) || die "the cluster's volumes can't be listed: run this again"
  while read -r volume _; do
    if [[ -z $volume ]] || ! k get persistentvolume "$volume" >/dev/null 2>&1; then continue; fi
    say "removing volume $volume from the cluster; what it holds stays in its storage"
    k delete persistentvolume "$volume" --ignore-not-found --wait=false >/dev/null
    sleep 1
    k patch persistentvolume "$volume" --type merge -p '{"metadata":{"finalizers":null}}' >/dev/null 2>&1 || true
  done <<<"$volumes"
  rm -f "$here/.claims"
}

# What a chart keeps when it is uninstalled, or what a broken-off installation has left.
remove_rest() {
  local kind name
  kn delete jobs,pods,secrets,configmaps,services,serviceaccounts,roles,rolebindings,networkpolicies,deployments,daemonsets \
    -l "$label/part-of=knitfab" --ignore-not-found --timeout=2m >/dev/null || true
  kn delete leases.coordination.k8s.io -l "$label/name=knitfab" --ignore-not-found >/dev/null 2>&1 || true
  for kind in storageclasses priorityclasses csidrivers clusterroles clusterrolebindings; do
    k get "$kind" -l "$label/part-of=knitfab" -o jsonpath='{range .items[*]}{.metadata.name} {.metadata.annotations.meta\.helm\.sh/release-namespace}{"\n"}{end}' 2>/dev/null |
      while read -r name owner; do [[ $owner != "$namespace" ]] || k delete "$kind" "$name" --ignore-not-found >/dev/null; done
  done
}

remove_namespace() {
  [[ $(k get namespace "$namespace" --ignore-not-found -o jsonpath='{.metadata.labels.knitfab/made-by}') == installer ]] || return 0
  local others; others=$(kn get all -o name 2>/dev/null | head -n 5)
  if [[ -n $others ]]; then say "namespace $namespace stays, since other things are in it: $others"; return; fi
  say "removing namespace $namespace"
  k delete namespace "$namespace" --timeout=5m >/dev/null
}

if [[ -z $hard ]]; then
  remove_release knit-app
  say "the application is removed; data, database and images stay. Install again to go on with them, or remove them with --hard."
  exit 0
fi
ask_first
note_claims
remove_release knit-app
remove_data
remove_release knit-image-registry
remove_release knit-db-postgres
remove_volumes
remove_release knit-certs
remove_release knit-storage-nfs
remove_rest
remove_namespace
rm -rf "$here/handout" "$here/state"
say "Knitfab is removed, with all its data. The settings stay in $here (they can be installed anew)."
UNINSTALL
  chmod 700 "$settings/uninstall.sh"
}

main() {
  read_options "$@"
  start_work
  case $action in
    prepare) prepare ;;
    install | check) install ;;
    renew) renew ;;
  esac
}

main "$@"
