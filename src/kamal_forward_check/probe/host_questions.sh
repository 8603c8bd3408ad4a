# Questions to a host that refused a forward. It reads and prints; it writes nothing.
# Before it, on the same standard input: S (a random mark), PORT, KEY (a throwaway host key for sshd -T, which
# wants one even to print its settings), KEYFILE and KEYLINE (the authorized_keys line that let us in).
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin LC_ALL=C
export PATH LC_ALL
say() { printf '\n%s %s\n' "$S" "$1"; }
within() { if command -v timeout >/dev/null 2>&1; then timeout 5 "$@"; else "$@"; fi; }

say who
id -u
id -un
printf '%s\n' "$SSH_CONNECTION"

# The command line of the daemon that serves us: its -f and -o beat what the files say.
say daemon
title='' p=$PPID
while [ "${p:-0}" -gt 0 ] && [ -r "/proc/$p/cmdline" ]; do
  words=$(tr '\0' ' ' <"/proc/$p/cmdline")
  case $words in
    *'[listener]'*) title=${words#*sshd: } title=${title%%\[listener\]*}; break ;;
    sshd:*) ;;
    */sshd\ * | sshd\ *) title=$words; break ;;
  esac
  p=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$p/status")
done
printf '%s\n' "$title"

set -f
# shellcheck disable=SC2086 # the words are wanted
set -- $title
exe=sshd opts=''
if [ $# -gt 0 ]; then
  if command -v "$1" >/dev/null 2>&1; then exe=$1; fi
  shift
fi
while [ $# -gt 0 ]; do
  case $1 in
    -[fo])
      flag=$1 value=''
      shift
      while [ $# -gt 0 ]; do
        case $1 in -*) break ;; esac
        value=${value:+$value=}$1
        shift
      done
      opts="$opts $flag $value"
      ;;
    -[fo]?*) opts="$opts $1"; shift ;;
    *) shift ;;
  esac
done

say sshd
# shellcheck disable=SC2086
set -- $SSH_CONNECTION
match="user=$(id -un),host=${1:-},addr=${1:-},laddr=${3:-},lport=${4:-}"
# shellcheck disable=SC2086
if [ "$(id -u)" = 0 ]; then
  out=$(within "$exe" -T -ddd $opts -C "$match" 2>&1 </dev/null)
else
  out=$(printf '%s\n' "$KEY" | within "$exe" -T -ddd $opts -h /dev/stdin -C "$match" 2>&1)
fi
out=$(printf '%s\n' "$out" | tr -d '\r') # sshd ends its debug lines so
printf '%s\n' "$out"
set +f

# A folder that can't be read is passed over by sshd -T in silence.
say unreadable
printf '%s\n' "$out" | sed -n 's/.*new include //p' | while read -r glob; do
  folder=${glob%/*}
  if [ -d "$folder" ] && ! { [ -r "$folder" ] && [ -x "$folder" ]; }; then printf '%s\n' "$folder"; fi
done

# The text of the lines that may decide, two lines round each.
say lines
main=$(printf '%s\n' "$out" | sed -n 's/^debug2: load_server_config: filename //p' | head -n 1)
printf '%s\n' "$out" |
  grep -i -E ' setting (AllowTcpForwarding|DisableForwarding|PermitListen|PermitOpen|GatewayPorts) ' |
  sed -n 's/^debug3: \(.*\):\([0-9][0-9]*\) setting .*/\2 \1/p' |
  while read -r line file; do
    if [ "$file" = 'reprocess config' ]; then file=${main:-/etc/ssh/sshd_config}; fi
    first=$((line > 2 ? line - 2 : 1))
    printf '@ %s %s %s\n' "$line" "$first" "$file"
    sed -n "${first},$((line + 2))p" "$file"
  done

say key
if [ -n "$KEYFILE" ]; then sed -n "${KEYLINE}p" "$KEYFILE" 2>/dev/null; fi

say port
if command -v ss >/dev/null 2>&1; then
  echo 'by ss'
  within ss -Hltnp "sport = :$PORT" 2>&1
fi
say sockets
hex=$(printf '%04X' "$PORT")
cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -i ":$hex [0-9A-F]*:0000 0A"

say os
sed -n 's/^\(ID\|ID_LIKE\)=//p' /etc/os-release 2>/dev/null
if [ -d /run/systemd/system ]; then echo systemd; fi
if command -v rc-service >/dev/null 2>&1; then echo openrc; fi
say end
