# What every fix does on its host, as root. Before it stand $again, the check to run when all is done, and for each host
# a function that lists its changes in words that are defined below: `here`, `replace`, `options`, `first`, `daemon`.
# That list is gone through once for each step: look, test, make, test, reload; and undo where one of them fails.
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin LC_ALL=C
export PATH LC_ALL
umask 077
: "${again:=}"
blanks=$(printf ' \t\r')
backup='' changes='' otherwise='' to_do=0 reloaded=''

# What stands in a file may hold anything; a terminal gets none of it but plain characters.
say() { printf '%s\n' "$@" | tr -c '[:print:]\n' '?'; }
stop() { say "$@" >&2; exit 1; }

change() { # LIST: make the changes that the function LIST has, all or none
  list=$1
  [ "$(id -u)" = 0 ] || stop 'Run this as root. Nothing is changed.'
  take look
  [ -z "$otherwise" ] || stop 'Nothing is changed: check again for what holds now.'
  if [ "$to_do" -eq 0 ] && [ -n "$changes" ]; then
    say 'Nothing is to be changed: every line reads as it should already.'
    say "Check again from your own machine: $again"
    return
  fi
  take test || stop 'Nothing is changed: sshd refuses its files as they are.'
  if [ "$to_do" -gt 0 ]; then
    backup=/root/kamal-forward-fix.$(date +%Y%m%dT%H%M%S).$$
    mkdir "$backup" || stop 'Nothing is changed: there is no place for a backup.'
    trap undo EXIT
    trap 'exit 1' HUP INT TERM
    take make || exit 1
    take test || exit 1
  fi
  take reload || exit 1
  trap - EXIT HUP INT TERM
  if [ -n "$backup" ]; then
    say "Changed. What stood there before is in $backup"
  else
    say 'sshd has read its files again. None of them is changed.'
  fi
  say 'Keep this session open until a new login has worked.'
  say "Then check again from your own machine: $again"
}

take() { # STEP: go through the list with this step
  step=$1 failed=''
  "$list"
  [ -z "$failed" ]
}

undo() { # a step failed: every file becomes what it was
  trap - EXIT
  trap '' HUP INT TERM
  if take undo; then
    say 'Failed. Every file is as it was.' >&2
  else
    say "Failed, and not every file is as it was: see $backup" >&2
  fi
  if [ -n "$reloaded" ] && ! take reload; then
    say 'sshd does not listen any more: start it before you leave this session.' >&2
  fi
  exit 1
}

# In place: the file stays the one that it is, with its owner, mode and labels.
write() { cat "$backup/new" >"$1" && cmp -s "$backup/new" "$1"; } # FILE
save() { # FILE: its backup, once
  [ -f "$backup$1" ] || { mkdir -p "$backup${1%/*}" && cp -p "$1" "$backup$1"; }
}
restore() { # FILE: where it could not be written to in the first place, it is as it was
  [ ! -f "$backup$1" ] || cmp -s "$backup$1" "$1" || { cat "$backup$1" >"$1" && cmp -s "$backup$1" "$1"; }
}
put() { # FILE NUMBER LINE
  save "$1" && {
    if [ "$2" -gt 1 ]; then head -n "$(($2 - 1))" "$1"; fi
    printf '%s\n' "$3"
    tail -n "+$(($2 + 1))" "$1"
  } >"$backup/new" && write "$1"
}

fetch() { # FILE NUMBER: the line without the blanks at its end, which go to $end
  whole=$(sed -n "$2p" "$1" 2>/dev/null)
  end=${whole##*[!"$blanks"]}
  text=${whole%"$end"}
}
judge() { # PLACE TEXT OLD NEW: does it read as it is meant to?
  if [ "$2" = "$4" ]; then
    say "$1 reads as it should already."
  elif [ "$2" = "$3" ]; then
    to_do=$((to_do + 1))
  else
    otherwise=yes
    say "$1 does not read as it did." "Then: $3" "Now:  $2" >&2
  fi
}

here() { # KEY COMMAND [-f FILE] [-o OPTION]: is this the host that showed this public key when it was checked?
  [ "$step" = look ] || return 0
  key=$1 seen=''
  shift
  for file in /etc/ssh/ssh_host_*_key $("$@" -T 2>/dev/null | awk 'tolower($1) == "hostkey" { print $2 }'); do
    [ -f "$file.pub" ] || continue
    if grep -qF "$key" "$file.pub"; then return; fi
    seen=yes
  done
  if [ "$seen" ]; then
    otherwise=yes
    say 'This is not the host that was checked, or its keys are new.' >&2
  fi
}

replace() { # FILE NUMBER OLD NEW
  changes=yes
  case $step in
    look) fetch "$1" "$2"; judge "$1:$2" "$text" "$3" "$4" ;;
    make)
      fetch "$1" "$2"
      if [ "$text" = "$3" ]; then put "$1" "$2" "$4$end" || failed=yes
      elif [ "$text" != "$4" ]; then failed=yes; fi
      ;;
    undo) restore "$1" || failed=yes ;;
  esac
}

options() { # FILE NUMBER OLD NEW WORDS: of a line of authorized_keys; WORDS are the new ones, a number for one that stays
  changes=yes
  case $step in
    look) fetch "$1" "$2"; judge "$1:$2, the options," "$(keyed shown "$text")" "$3" "$4" ;;
    make)
      fetch "$1" "$2"
      if [ "$(keyed shown "$text")" = "$3" ]; then put "$1" "$2" "$(keyed changed "$text" "$5")$end" || failed=yes
      elif [ "$(keyed shown "$text")" != "$4" ]; then failed=yes; fi
      ;;
    undo) restore "$1" || failed=yes ;;
  esac
}

keyed() { # shown|changed LINE [WORDS]: the line's options as a report shows them; the line with the options WORDS
  # shellcheck disable=SC2016 # awk's own $ and quotes
  wanted=$1 line=$2 words=${3-} awk 'BEGIN {
    rest = ENVIRON["line"]
    sub(/^[ \t]+/, "", rest)
    while (rest !~ /^(ssh-|ecdsa-|sk-)/ && match(rest, /^[A-Za-z][A-Za-z0-9-]*(="([^"\\]|\\.)*")?/)) {
      option[++count] = substr(rest, 1, RLENGTH)
      rest = substr(rest, RLENGTH + 1)
      if (rest !~ /^,/) break
      rest = substr(rest, 2)
    }
    if ((count && !sub(/^[ \t]+/, "", rest)) || rest !~ /^(ssh-|ecdsa-|sk-)/) {
      print "(no line of a key)"
      exit
    }
    if (ENVIRON["wanted"] == "shown") {
      for (i = 1; i <= count; i++) {
        if (tolower(option[i]) !~ /^permit(listen|open)=/) sub(/=.*/, "", option[i])
        printf "%s%s", (i > 1 ? "," : ""), option[i]
      }
      exit
    }
    new = split(ENVIRON["words"], word, " ")
    for (i = 1; i <= new; i++) printf "%s%s", (i > 1 ? "," : ""), (word[i] ~ /^[0-9]+$/ ? option[word[i]] : word[i])
    printf "%s%s", (new ? " " : ""), rest
  }'
}

first() { # FILE KEYWORD LINE: a new first line, where no line of the file has the keyword
  changes=yes
  case $step in
    look)
      fetch "$1" 1
      if [ "$text" = "$3" ]; then say "$1 begins as it should already."
      elif [ ! -f "$1" ] || grep -qi "^[[:space:]]*$2[[:space:]=]" "$1"; then
        otherwise=yes
        say "$1 is not as it was: a line of it has $2 now, or it is gone." >&2
      else to_do=$((to_do + 1)); fi
      ;;
    make) { save "$1" && { printf '%s\n' "$3"; cat "$1"; } >"$backup/new" && write "$1"; } || failed=yes ;;
    undo) restore "$1" || failed=yes ;;
  esac
}

daemon() { # PORT COMMAND [-f FILE] [-o OPTION]: the sshd that has to read its files again
  port=$1
  shift
  case $step in
    test) "$@" -t || failed=yes ;;
    reload) program=${1##*/}; reload || failed=yes ;;
  esac
}

find_listener() { # the sshd, called $program or by its usual name, that listens on $port; and the socket
  listener='' socket=''
  kept=$(printf '%.15s' "$program") # as much of it as the kernel keeps
  wanted=:$(printf '%04X' "$port")
  sockets=$(awk -v "at=$wanted" '$4 == "0A" && substr($2, length($2) - 4) == at { print $10 }' \
    /proc/net/tcp /proc/net/tcp6 2>/dev/null)
  for number in $sockets; do
    for process in /proc/[0-9]*; do
      case $(cat "$process/comm" 2>/dev/null) in sshd* | "$kept") ;; *) continue ;; esac
      for file in "$process"/fd/*; do
        if [ "$(readlink "$file")" = "socket:[$number]" ]; then
          listener=${process#/proc/} socket=$number
          return
        fi
      done
    done
  done
}

reload() {
  find_listener
  old=$socket unit=''
  if [ -d /run/systemd/system ]; then
    [ -z "$listener" ] || unit=$(sed -n 's|.*/\([^/]*\.service\)$|\1|p' "/proc/$listener/cgroup" | head -n 1)
    for name in ssh.service sshd.service; do
      if [ -z "$unit" ] && systemctl -q is-active "$name"; then unit=$name; fi
    done
    if [ -z "$unit" ] && { systemctl -q is-active ssh.socket || systemctl -q is-active sshd.socket; }; then
      return 0 # a new login starts a new sshd
    fi
  fi
  if [ -z "$unit$listener" ]; then
    say "No sshd is found that listens on port $port." >&2
    return 1
  fi
  reloaded=yes
  if [ -n "$unit" ]; then
    systemctl reload "$unit" || return 1
  elif command -v rc-service >/dev/null && [ "$(cat /run/sshd.pid)" = "$listener" ]; then
    rc-service sshd reload || return 1
  else
    kill -HUP "$listener" || return 1
  fi
  # sshd opens its socket anew when it has read its files, unless systemd holds the socket for it.
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    find_listener
    if [ -n "$socket" ] && [ "$socket" != "$old" ]; then return 0; fi
    sleep 0.2 2>/dev/null || sleep 1
  done
  [ -n "$listener" ]
}
