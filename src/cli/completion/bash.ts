/**
 * Completion for bash, 3.2 and later, without the package bash-completion. Files are completed by bash itself: `-o
 * default` does that whenever the function offers nothing.
 */
import type { CommandRow, OptionRow } from "./rows.ts";
import { quoted } from "./shell-quote.ts";

export const bashCompletion = (rows: readonly CommandRow[]): string => `# bash completion for ocsgw
_ocsgw() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} at= i offered=
  COMPREPLY=()
  # bash splits --option=value at the equals sign.
  if [ "$cur" = = ]; then cur=
  elif [ "$prev" = = ]; then prev=\${COMP_WORDS[COMP_CWORD-2]}; fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "$at \${COMP_WORDS[i]}" in
${rows.flatMap(steps).join("\n")}
    esac
  done
  case "$at $prev" in
${rows.flatMap(valueCases).join("\n")}
  esac
  case "$at" in
${rows.map(offerCase).join("\n")}
  esac
  COMPREPLY=($(compgen -W "$offered" -- "$cur"))
}
complete -o bashdefault -o default -F _ocsgw ocsgw
`;

const at = ({ words }: CommandRow): string => words.map((word) => ` ${word}`).join("");

/** Which words lead to a command, and after which option a value follows. */
const steps = (row: CommandRow): string[] => [
  ...row.commands.map(({ name }) => `      ${quoted(`${at(row)} ${name}`)}) at=${quoted(`${at(row)} ${name}`)} ;;`),
  ...(withValue(row) === "" ? [] : [`      ${withValue(row)}) ((i++)); [ "\${COMP_WORDS[i]}" = = ] && ((i++)) ;;`]),
];

const takesValue = ({ value }: OptionRow): boolean => value !== undefined;

const withValue = (row: CommandRow): string =>
  row.options
    .filter(takesValue)
    .flatMap(({ flags }) => flags)
    .map((flag) => quoted(`${at(row)} ${flag}`))
    .join("|");

const valueCases = (row: CommandRow): string[] =>
  row.options.filter(takesValue).map(({ flags, value }) => {
    const pattern = flags.map((flag) => quoted(`${at(row)} ${flag}`)).join("|");
    const offer = value?.kind === "choice" ? `COMPREPLY=($(compgen -W ${quoted(value.of.join(" "))} -- "$cur")); ` : "";
    return `    ${pattern}) ${offer}return ;;`;
  });

const offerCase = (row: CommandRow): string => {
  const choices = row.argument?.kind === "choice" ? row.argument.of : [];
  const names = quoted([...row.commands.map(({ name }) => name), ...choices].join(" "));
  const flags = quoted(row.options.flatMap((option) => option.flags).join(" "));
  const words = `case "$cur" in -*) offered=${flags} ;; *) offered=${names} ;; esac`;
  return `    ${quoted(at(row))}) ${words} ;;`;
};
