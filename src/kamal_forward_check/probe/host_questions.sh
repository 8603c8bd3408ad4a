# shellcheck shell=sh
# Questions to a host that refused a forward. It reads and prints; it writes nothing.
# Before it, on the same standard input: S (a random mark), PORT, KEY (a throwaway host key for sshd -T, which
# wants one even to print its settings), KEYFILE and KEYLINE (the authorized_keys line that let us in), LOGIN (as whom:
# two users may share a uid, and so `id` may name the other).
if [ -z "${S-}" ]; then exit; fi # start-up files that read have read the first lines of this
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin LC_ALL=C
export PATH LC_ALL
say() { printf '\n%s %s\n' "$S" "$1"; }
has() { command -v "$1" >/dev/null 2>&1; }
within() { if has timeout; then timeout 5 "$@"; else "$@"; fi; }

# Would sudo run these words, without a password and without a trace? A `sudo -l` that is refused mails the
# administrator where there is a mailer, and `sudo -l WORDS` says yes also to what wants a password. So it is asked
# only where nothing can be mailed, and believed only where the last entry, or every one, needs no password.
sudo_is=''
granted() {
  if [ -z "$sudo_is" ]; then
    sudo_is=silent
    if has sudo && [ ! -x /usr/sbin/sendmail ] && [ ! -x /usr/lib/sendmail ]; then
      entries=$(within sudo -n -k -l 2>/dev/null </dev/null | sed -n 's/^ *\((.*\)/\1/p')
      case $(printf '%s\n' "$entries" | tail -n 1) in *'NOPASSWD: ALL') sudo_is=open ;; esac
      case $(printf '%s\n' "$entries" | grep -v ' NOPASSWD: ') in '') sudo_is=${entries:+open} ;; esac
      case $sudo_is$entries in *' PASSWD: '* | '') sudo_is=silent ;; esac
    fi
  fi
  [ "$sudo_is" = open ] && within sudo -n -k -l "$@" >/dev/null 2>&1 </dev/null
}
by_sudo() { granted "$@" && within sudo -n "$@" 2>&1 </dev/null; }

say who
uid=$(id -u)
printf '%s\n' "$uid" "$LOGIN" "$SSH_CONNECTION"

# The command line of the daemon that serves us: its -f and -o beat what the files say.
say daemon
title='' p=$PPID
while [ "${p:-0}" -gt 0 ] && [ -r "/proc/$p/cmdline" ]; do
  words=$(tr '\0' ' ' <"/proc/$p/cmdline")
  case $words in
    *'[listener]'*) title=${words#*: } title=${title%%\[listener\]*}; break ;;
    sshd:*) ;;
    */sshd\ * | sshd\ * | */dropbear\ * | dropbear\ *) title=$words; break ;;
  esac
  p=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$p/status")
done
printf '%s\n' "$title"

set -f
# shellcheck disable=SC2086 # the words are wanted
set -- $SSH_CONNECTION
match="user=$LOGIN,host=${1:-},addr=${1:-},laddr=${3:-},lport=${4:-}"
# shellcheck disable=SC2086
set -- $title
exe=sshd
if [ $# -gt 0 ]; then
  if has "$1"; then exe=$1; fi
  shift
fi
left=$# # of the title's words; behind them grows what sshd -T is to be given
while [ "$left" -gt 0 ]; do
  word=$1
  shift
  left=$((left - 1))
  case $word in
    -[fo]*) # a title has no quotes: its value is all up to the next flag
      value=${word#-?}
      while [ "$left" -gt 0 ]; do
        case $1 in -*) break ;; esac
        value="${value:+$value }$1"
        shift
        left=$((left - 1))
      done
      flag=${word%"${word#-?}"}
      # Relative to the folder that the daemon was started in, which it has left: no file of that name is sure to be it.
      case $flag$value in -f[!/]*) value=/unknown/$value ;; esac
      set -- "$@" "$flag" "$value"
      ;;
  esac
done

# sshd -T passes over what it can't look into, in silence: folders of Include that this login can't search or list.
closed() {
  shut='' last=${1##*/} folder=${1%/*}
  while [ "$folder" ] && [ ! -e "$folder" ]; do folder=${folder%/*} last=''; done
  if [ ! -x "$folder/" ]; then shut=$folder; fi
  case $last in *[*?[]*) if [ ! -r "$folder/" ]; then shut=$folder; fi ;; esac
  if [ "$shut" ]; then printf '%s\n' "$shut"; fi
}
unreadable() {
  printf '%s\n' "$out" | sed -n 's/.*new include //p' | while read -r glob; do
    case ${glob%/*} in
      *[*?[]*)
        base=${glob%%[*?[]*}
        closed "${base%/*}/*"
        set +f
        for each in ${glob%/*}; do closed "$each/${glob##*/}"; done
        set -f
        ;;
      *) closed "$glob" ;;
    esac
  done
}
answered() { printf '%s\n' "$out" | grep -qi '^allowtcpforwarding '; }

set -- "$exe" -T -ddd "$@" -C "$match"
asked=root shut=''
case $exe in
  *dropbear) out='' ;;
  *)
    if [ "$uid" = 0 ]; then
      out=$(within "$@" 2>&1 </dev/null)
    else
      asked=login
      out=$(printf '%s\n' "$KEY" | within "$@" -h /dev/stdin 2>&1)
      shut=$(unreadable)
      if { [ "$shut" ] || ! answered; } && more=$(by_sudo "$@"); then asked=sudo out=$more shut=''; fi
    fi
    ;;
esac
out=$(printf '%s\n' "$out" | tr -d '\r') # sshd ends its debug lines so
set +f
say sshd
printf '%s\n' "$out"
say asked
echo "$asked"
say unreadable
printf '%s\n' "$shut"

# The text of the lines that may decide, two lines round each.
say lines
deciding='AllowTcpForwarding|DisableForwarding|PermitListen|PermitOpen|GatewayPorts|AddressFamily'
deciding="$deciding|UnusedConnectionTimeout|ChannelTimeout"
main=$(printf '%s\n' "$out" | sed -n 's/^debug2: load_server_config: filename //p' | head -n 1)
printf '%s\n' "$out" |
  grep -i -E " setting ($deciding) " |
  sed -n 's/^debug3: \(.*\):\([0-9][0-9]*\) setting .*/\2 \1/p' |
  while read -r line file; do
    if [ "$file" = 'reprocess config' ]; then file=${main:-/etc/ssh/sshd_config}; fi
    first=$((line > 2 ? line - 2 : 1))
    printf '@ %s %s %s\n' "$line" "$first" "$file"
    set -- sed -n "${first},$((line + 2))p" "$file"
    if [ -r "$file" ]; then "$@" </dev/null; else by_sudo "$@"; fi
  done

# Its options, and those of the lines below it with the same key; no key, comment or other value leaves the host.
say key
# shellcheck disable=SC2016 # awk's own
options='
function head(line,   shown, token, name) {
  sub(/^[ \t]+/, "", line); shown = ""; blob = ""
  while (line !~ /^(ssh-|ecdsa-|sk-)[a-z0-9@.-]+[ \t]+AAAA/) {
    if (!match(line, /^[A-Za-z][A-Za-z0-9-]*(="([^"\\]|\\.)*")?/)) return ""
    token = substr(line, 1, RLENGTH); line = substr(line, RLENGTH + 1); name = token; sub(/=.*/, "", name)
    if (name != token && tolower(name) !~ /^permit(open|listen)$/) token = name "=\"\""
    shown = shown token
    if (line ~ /^,/) { shown = shown ","; line = substr(line, 2) } else sub(/^[ \t]+/, "", line)
  }
  split(line, word, /[ \t]+/); blob = word[2]
  return shown (shown ? " " : "") "ssh-x AAAA"
}
{ text = head($0) }
NR == at { wanted = blob; print text }
NR > at && blob != "" && blob == wanted { print NR, text }'
if [ "$KEYFILE" ]; then
  set -- awk -v at="$KEYLINE" "$options" "$KEYFILE"
  if [ -r "$KEYFILE" ]; then "$@" 2>/dev/null </dev/null; fi
fi

say sockets
hex=$(printf '%04X' "$PORT")
held=$(cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep -i ":$hex [0-9A-F]*:0000 0A")
printf '%s\n' "$held"
say port
if has ss; then
  echo 'by ss'
  set -- ss -Hltnp "sport = :$PORT"
  listens=$(within "$@" 2>&1 </dev/null)
  case $listens in
    *users:* | '') ;;
    *) if [ "$uid" != 0 ] && more=$(by_sudo "$@"); then listens=$more; fi ;;
  esac
  printf '%s\n' "$listens"
fi
say container
for socket in "/run/user/$uid/docker.sock" /var/run/docker.sock; do
  if [ "$held" ] && [ -w "$socket" ] && has docker; then
    within docker -H "unix://$socket" ps --filter "publish=$PORT" --format '{{.Names}} ({{.Image}})' 2>/dev/null </dev/null
  fi
done

# What reads the files again, and when that was: sshd writes its pid file each time it does.
say service
if [ "$title" ]; then
  if [ -d /run/systemd/system ]; then # a unit that is not ssh's own may have started it
    sed -nE 's,^(0:|1:name=systemd):.*/([^/]*ssh[^/]*\.service)$,unit \2,p' "/proc/$p/cgroup" 2>/dev/null
  fi
  pidfile=$(printf '%s\n' "$out" | sed -n 's/^[Pp]id[Ff]ile //p')
  if [ "$pidfile" ] && [ "$(cat "$pidfile" 2>/dev/null)" = "$p" ]; then
    printf 'loaded %s\n' "$pidfile"
    printf '%s\n' "$out" | sed -n -e 's/^debug2: load_server_config: filename //p' -e 's,.*new include \([^*?[]*\)/.*,\1,p' |
      while read -r file; do find "$file" -prune -newer "$pidfile" 2>/dev/null </dev/null; done |
      sed 's/^/edited /'
  fi
fi
say security
if [ -r /sys/fs/selinux/enforce ]; then printf 'selinux %s\n' "$(cat /sys/fs/selinux/enforce)"; fi
if [ "$title" ] && [ -r "/proc/$p/attr/current" ]; then
  printf 'label %s\n' "$(tr -d '\0' <"/proc/$p/attr/current" 2>/dev/null)"
fi
say network
if [ -r /proc/net/fib_trie ]; then printf 'loopback %s\n' "$(grep -c '|-- 127\.0\.0\.[01]$' /proc/net/fib_trie)"; fi
printf 'unprivileged %s\n' "$(cat /proc/sys/net/ipv4/ip_unprivileged_port_start 2>/dev/null)"

say os
sed -n 's/^\(ID\|ID_LIKE\)=//p' /etc/os-release 2>/dev/null
if [ -d /run/systemd/system ]; then echo systemd; fi
if has rc-service; then echo openrc; fi
say end
