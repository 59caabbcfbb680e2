// What shells read to complete the words of knit. Each asks the hidden `knit __complete SHELL WORD…`, whose last word is the
// one that is being typed, up to the cursor. It answers on its first line with the kind of words that are wanted: `words`,
// which follow one a line with a tab before their description, `files` or `directories`, which the shell knows better.

import { completionWord } from './completion-word.ts';

const bash = `# bash completion for knit: source <(knit completion bash)
_knit() {
  # Readline takes words apart at ":" and "="; here they are put together again, up to the cursor.
  local rest=\${COMP_LINE:0:COMP_POINT} words=() index word spaces
  for ((index = 0; index <= COMP_CWORD; index++)); do
    spaces=\${rest%%[![:space:]]*}
    rest=\${rest#"$spaces"}
    word=\${COMP_WORDS[index]}
    ((index == COMP_CWORD)) && word=$rest
    rest=\${rest#"$word"}
    if [[ $index -eq 0 || -n $spaces ]]; then
      words+=("$word")
    else
      words[\${#words[@]} - 1]+=$word
    fi
  done

  local current=\${words[\${#words[@]} - 1]} breaks=\${COMP_WORDBREAKS//[!:=]/} known=
  [[ -n $breaks ]] && known=\${current%"\${current##*[$breaks]}"}
  local line kind= values=() descriptions=()
  while IFS= read -r line; do
    if [[ -z $kind ]]; then
      kind=$line
    else
      values+=("\${line%%$'\\t'*}")
      descriptions+=("\${line#*$'\\t'}")
    fi
  done < <(command knit ${completionWord} bash "\${words[@]:1}" 2>/dev/null)

  COMPREPLY=()
  compopt +o default +o dirnames 2>/dev/null
  case $kind in
    files) compopt -o default 2>/dev/null ;;
    directories) compopt -o dirnames -o filenames 2>/dev/null ;;
  esac
  for ((index = 0; index < \${#values[@]}; index++)); do
    word=\${values[index]#"$known"}
    # Descriptions only where the words are listed (after a second tab), never where one is put in.
    if [[ \${#values[@]} -gt 1 && -n \${descriptions[index]} && $COMP_TYPE == @(63|33|64) ]]; then
      word="$word  (\${descriptions[index]})"
    fi
    COMPREPLY+=("$word")
  done
}
complete -o nosort -F _knit knit 2>/dev/null || complete -F _knit knit
`;

const zsh = `#compdef knit
# zsh completion for knit: source <(knit completion zsh)
_knit() {
  local -a lines values displays
  local line
  lines=("\${(@f)$(command knit ${completionWord} zsh "\${(@Q)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
  case $lines[1] in
    files)
      [[ $PREFIX == --*=* ]] && compset -P '*='
      _files
      ;;
    directories)
      [[ $PREFIX == --*=* ]] && compset -P '*='
      _files -/
      ;;
    words)
      for line in "\${(@)lines[2,-1]}"; do
        [[ -n $line ]] || continue
        values+=("\${line%%$'\\t'*}")
        if [[ -n \${line#*$'\\t'} ]]; then
          displays+=("\${line%%$'\\t'*}  -- \${line#*$'\\t'}")
        else
          displays+=("\${line%%$'\\t'*}")
        fi
      done
      compadd -l -V knit -d displays -a values
      ;;
  esac
}
if [[ $funcstack[1] == _knit ]]; then
  _knit "$@"
else
  compdef _knit knit
fi
`;

const fish = `# fish completion for knit: knit completion fish | source
function __knit_complete
    set -l tokens (commandline -opc)
    set -l current (commandline -ct)
    set -l flag (string match -r -- '^--[^=]*=' "$current")
    set -l part (string replace -r -- '^--[^=]*=' '' "$current")
    set -l lines (command knit ${completionWord} fish $tokens[2..-1] "$current" 2>/dev/null)
    switch "$lines[1]"
        case files
            printf "$flag%s\\n" (__fish_complete_path "$part")
        case directories
            printf "$flag%s\\n" (__fish_complete_directories "$part" '')
        case words
            test (count $lines) -gt 1; and printf '%s\\n' $lines[2..-1]
    end
end
complete -c knit -f -k -a '(__knit_complete)'
`;

/** The scripts by the names of their shells. */
export const completionScripts = { bash, zsh, fish };
