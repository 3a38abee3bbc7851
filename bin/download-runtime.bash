# Sourced by bin/supply where the package carries no runtime. It uses buildpack_dir, cache_dir, detail, warn and fail of there,
# and needs bash, coreutils, tar, gzip and curl: the runtime that could do better is what it brings.

# Writes the runtime of this stack to TARGET: from the cache of an earlier staging, or from where downloads.tsv says.
download_runtime() { # TARGET
  local target=$1 scratch=$1.download version sha256 uri archive
  find_download "$buildpack_dir/dist/runtime/downloads.tsv"
  mkdir -p -- "$scratch"
  local cache=$cache_dir/meridian-sidecar
  # What is not needed in it is removed, so it must be the folder itself.
  [[ ! -L $cache ]] || rm -f -- "$cache"
  { mkdir -p -- "$cache" && [[ -w $cache ]]; } 2>/dev/null || cache=$scratch
  archive=$cache/$sha256.tgz

  step "Downloading Node $version for $CF_STACK"
  if [[ -f $archive ]] && has_checksum "$archive"; then
    detail 'It is in the cache of an earlier staging'
  else
    if [[ -e $archive ]]; then
      warn 'The copy in the cache is damaged; it is downloaded again'
      rm -rf -- "$archive"
    fi
    fetch_archive "$scratch/archive"
    mv -f -- "$scratch/archive" "$archive"
    forget_others "$cache" "$archive"
  fi

  # The binary is in bin/, with or without a folder of its version around that.
  tar -xzOf "$archive" --wildcards '*bin/node' >"$target" 2>/dev/null && [[ -s $target ]] ||
    fail 78 supply/download/archive "The archive of Node $version holds no bin/node that can be unpacked" \
      'Ask the operator to compare the mirror with manifest.yml of the buildpack, and look for a full disk'
  # Its symbols are a sixth of it, in every droplet; a stack that has no `strip` keeps them.
  strip -- "$target" 2>/dev/null || true
  rm -rf -- "$scratch"
}

# Sets version, sha256 and uri to those of CF_STACK.
find_download() { # TABLE
  local stack known=()
  while IFS=$'\t' read -r stack version sha256 uri; do
    [[ $stack != "${CF_STACK:-}" ]] || return 0
    known+=("$stack")
  done <"$1"
  fail 78 supply/download/stack "This package has no runtime for the stack \"${CF_STACK:-}\", but for ${known[*]}" \
    'Stage on one of these (cf push -s STACK), or install the cached package, which carries its runtime'
}

has_checksum() { # FILE: whether it has sha256
  local found
  read -r found _ < <(sha256sum <"$1") && [[ $found == "$sha256" ]]
}

# Writes the archive of uri to FILE, proven by its checksum; waits and tries again where that can help.
fetch_archive() { # FILE
  local file=$1 url shown status fault attempt delay stall_seconds http_status
  choose_url
  choose_stall_timeout
  local trust=()
  choose_trust "$file.ca"
  detail "$shown"
  for attempt in 1 2 3 4 5; do
    status=0
    fetch_once "$file" || status=$?
    ((status != 0)) || break
    judge_fault
    ((attempt < 5)) ||
      fail 69 supply/download/unreachable "$shown was not downloaded in $attempt attempts: $fault" \
        'Push again later, set https_proxy or SIDECAR_DEPENDENCY_MIRROR, or ask the operator for the cached package'
    delay=$((1 << (attempt - 1))).$((RANDOM % 10))
    detail "Attempt $attempt of 5 failed: $fault; the next one is in $delay s"
    sleep "$delay"
  done
  has_checksum "$file" ||
    fail 78 supply/download/checksum "$shown does not have the sha256 $sha256" \
      'Ask the operator to compare the mirror or proxy with manifest.yml of the buildpack'
}

# Sets url to that of the mirror, if there is one, and shown to the same without credentials.
choose_url() {
  local mirror=${SIDECAR_DEPENDENCY_MIRROR:-} path=${uri#*://} form='^https?://[^][:space:]/?#"\]+(/[^][:space:]?#"\]*)?$'
  url=$uri
  if [[ -n $mirror ]]; then
    # Not shown: it may hold a password.
    [[ $mirror =~ $form ]] ||
      fail 78 supply/download/mirror 'SIDECAR_DEPENDENCY_MIRROR is not an http:// or https:// URL without query' \
        'Set it to what replaces https://HOST of the original, such as https://mirror.example/buildpacks'
    url=${mirror%/}/${path#*/}
  fi
  shown=$url
  [[ ! $url =~ ^(https?://)[^/]*@(.*)$ ]] || shown=${BASH_REMATCH[1]}***@${BASH_REMATCH[2]}
}

# Sets stall_seconds: how long a connection may take to come, or bring next to nothing.
choose_stall_timeout() {
  local timeout=${SIDECAR_DOWNLOAD_STALL_TIMEOUT:-30s}
  [[ $timeout =~ ^([1-9][0-9]{0,2})(s|m)$ ]] ||
    fail 78 supply/download/stall-timeout "SIDECAR_DOWNLOAD_STALL_TIMEOUT is \"$timeout\", not a duration" \
      'Set it to whole seconds or minutes, such as 30s or 2m'
  stall_seconds=${BASH_REMATCH[1]}
  [[ ${BASH_REMATCH[2]} == s ]] || stall_seconds=$((stall_seconds * 60))
}

# Sets trust to curl's options for the certificates that the operator of the platform trusts. It puts them where curl does not
# look, one a file; what somebody chose by curl's own variables goes before them.
choose_trust() { # FILE
  local certificate certificates=("${CF_SYSTEM_CERT_PATH:-/nowhere}"/*.crt)
  if [[ -z ${CURL_CA_BUNDLE:-} && -n ${SSL_CERT_FILE:-} ]]; then
    # supply withholds this variable from all that it starts.
    trust=(--cacert "$SSL_CERT_FILE")
    return 0
  fi
  [[ -z ${CURL_CA_BUNDLE:-} && -r ${certificates[0]} ]] || return 0
  for certificate in /etc/ssl/certs/ca-certificates.crt "${certificates[@]}"; do
    [[ ! -r $certificate ]] || { cat -- "$certificate" && echo; }
  done >"$1"
  trust=(--cacert "$1")
}

# Returns curl's exit code, with what it said in FILE.err and sets http_status.
fetch_once() { # FILE
  # The URL comes by standard input, since it may hold a password and everybody can read arguments. Of HTTP_PROXY, curl reads the
  # lower-case name only, to be safe in CGI programs, which this is not.
  http_status=$(
    http_proxy=${http_proxy:-${HTTP_PROXY:-}} curl -q --silent --show-error --fail --location --max-redirs 5 \
      --proto '=http,https' --connect-timeout "$stall_seconds" --speed-limit 1024 --speed-time "$stall_seconds" \
      "${trust[@]}" --output "$1" --write-out '%{http_code}' --config - <<<"url = \"$url\"" 2>"$1.err"
  )
}

# Sets fault to what went wrong; ends where another attempt would end alike.
judge_fault() {
  read -r fault <"$file.err" || fault="curl ended with $status"
  fault=${fault#curl: (*) }
  case $status:$http_status in
    22:4??)
      fail 78 supply/download/refused "$shown was answered with HTTP $http_status" \
        'Ask the operator whether the mirror has this file, and whether its credentials are right'
      ;;
    22:*) fault="HTTP $http_status" ;;
    23:*)
      fail 74 supply/download/disk "$shown cannot be written to the disk: $fault" 'Look for a full disk, and push again'
      ;;
    28:*) fault="nothing came for $stall_seconds s" ;;
    58:* | 60:* | 77:*)
      fail 78 supply/download/certificate "The certificate of $shown is not trusted: $fault" \
        'Set CURL_CA_BUNDLE to a PEM file with its authority, or ask the operator to add it to the trusted certificates'
      ;;
  esac
}

# An entry of an older runtime would travel with every staging from now on.
forget_others() { # CACHE ARCHIVE
  local entry
  for entry in "$1"/*; do
    [[ $entry == "$2" ]] || rm -rf -- "$entry"
  done
}
