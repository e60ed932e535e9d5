/** Completion for zsh, by its own _describe and _files. */
import type { CommandRow, OptionRow, Value } from "./rows.ts";
import { quoted } from "./shell-quote.ts";

export const zshCompletion = (rows: readonly CommandRow[]): string => `#compdef ocsgw
# zsh completion for ocsgw
_ocsgw() {
  local at= prev=\${words[CURRENT-1]} i
  local -a commands options choices
  for ((i = 2; i < CURRENT; i++)); do
    case "$at \${words[i]}" in
${rows.flatMap(steps).join("\n")}
    esac
  done
  case "$at $prev" in
${rows.flatMap(({ words, options }) => options.filter(takesValue).map((each) => valueCase(words, each))).join("\n")}
  esac
  case "$at" in
${rows.map(offerCase).join("\n")}
  esac
}
if [ "\${funcstack[1]}" = _ocsgw ]; then _ocsgw "$@"; else compdef _ocsgw ocsgw; fi
`;

const at = (words: readonly string[]): string => words.map((word) => ` ${word}`).join("");
const takesValue = ({ value }: OptionRow): boolean => value !== undefined;

const patternOf = (words: readonly string[], flags: readonly string[]): string =>
  flags.map((flag) => quoted(`${at(words)} ${flag}`)).join("|");

const steps = ({ words, commands, options }: CommandRow): string[] => {
  const flags = options.filter(takesValue).flatMap((each) => each.flags);
  return [
    ...commands.map(({ name }) => `      ${quoted(`${at(words)} ${name}`)}) at=${quoted(`${at(words)} ${name}`)} ;;`),
    ...(flags.length === 0 ? [] : [`      ${patternOf(words, flags)}) ((i++)) ;;`]),
  ];
};

const valueCase = (words: readonly string[], { flags, value }: OptionRow): string =>
  `    ${patternOf(words, flags)}) ${offer(value!)}; return ;;`;

const offer = (value: Value): string => {
  if (value.kind === "choice") return `compadd -- ${value.of.map(quoted).join(" ")}`;
  return value.kind === "text" ? "_message value" : value.kind === "file" ? "_files" : "_files -/";
};

const offerCase = ({ words, commands, options, argument }: CommandRow): string => {
  const flags = options.flatMap((each) => each.flags.map((flag) => described(flag, each.description)));
  const names = commands.map(({ name, description }) => described(name, description));
  const rest = argument === undefined ? (names.length === 0 ? "_message argument" : "") : offer(argument);
  const offers = [
    ...(names.length === 0 ? [] : [`commands=(${names.join(" ")}); _describe command commands`]),
    ...(rest === "" ? [] : [rest]),
  ];
  return [
    `    ${quoted(at(words))})`,
    `      if [[ "\${words[CURRENT]}" == -* ]]; then options=(${flags.join(" ")}); _describe option options`,
    `      else ${offers.join("; ")}; fi ;;`,
  ].join("\n");
};

/** _describe separates word and description by a colon. */
const described = (word: string, description: string): string =>
  quoted(`${word.replaceAll(":", String.raw`\:`)}:${description}`);
