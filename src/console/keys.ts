/**
 * All keys of the console, in one table. A page says what a command does while it is shown; the table says which keys
 * give it. Users can replace each key or switch single keys off (WCAG 2.1.4); every command has a visible control too.
 */
import { signal } from "@preact/signals";
import { preferences } from "./preferences.ts";
import { S } from "./strings.ts";

/** `keys`: values of KeyboardEvent.key, with "Ctrl+" before them, or "g " for the second key of two. */
type Row = { readonly keys: readonly string[]; readonly says: string };

export const COMMANDS = {
  search: { keys: ["/", "Ctrl+k"], says: S.keys.search },
  down: { keys: ["j", "ArrowDown"], says: S.keys.down },
  up: { keys: ["k", "ArrowUp"], says: S.keys.up },
  open: { keys: ["Enter"], says: S.keys.open },
  back: { keys: ["Escape"], says: S.keys.back },
  filter: { keys: ["f"], says: S.keys.filter },
  "toggle-filter": { keys: ["F"], says: S.keys.toggleFilter },
  "filter-for": { keys: ["+"], says: S.keys.filterFor },
  "filter-out": { keys: ["-"], says: S.keys.filterOut },
  "cell-right": { keys: ["ArrowRight"], says: S.keys.cellRight },
  "cell-left": { keys: ["ArrowLeft"], says: S.keys.cellLeft },
  "select-range": { keys: ["v"], says: S.keys.selectRange },
  previous: { keys: ["["], says: S.keys.previous },
  next: { keys: ["]"], says: S.keys.next },
  pause: { keys: [" "], says: S.keys.pause },
  newest: { keys: ["."], says: S.keys.newest },
  clear: { keys: ["x"], says: S.keys.clear },
  neighbours: { keys: ["n"], says: S.keys.neighbours },
  curl: { keys: ["c"], says: S.keys.curl },
  copy: { keys: ["C"], says: S.keys.copy },
  export: { keys: ["e"], says: S.keys.export },
  "as-table": { keys: ["T"], says: S.keys.asTable },
  zone: { keys: ["u"], says: S.keys.zone },
  theme: { keys: ["d"], says: S.keys.theme },
  help: { keys: ["?"], says: S.keys.help },
  "go-now": { keys: ["g n"], says: S.keys.go(S.pages.now) },
  "go-flows": { keys: ["g f"], says: S.keys.go(S.pages.flows) },
  "go-tenants": { keys: ["g t"], says: S.keys.go(S.pages.tenants) },
  "go-dnc": { keys: ["g d"], says: S.keys.go(S.pages.dnc) },
  "go-look-up": { keys: ["g l"], says: S.keys.go(S.pages.lookUp) },
  "go-integrity": { keys: ["g i"], says: S.keys.go(S.pages.integrity) },
  "go-isolation": { keys: ["g s"], says: S.keys.go(S.pages.isolation) },
  "go-upstreams": { keys: ["g u"], says: S.keys.go(S.pages.upstreams) },
  "go-config": { keys: ["g c"], says: S.keys.go(S.pages.config) },
  "go-exports": { keys: ["g e"], says: S.keys.go(S.pages.exports) },
  "go-access": { keys: ["g a"], says: S.keys.go(S.pages.access) },
  "go-help": { keys: ["g h"], says: S.keys.go(S.pages.help) },
  "go-sandbox": { keys: ["g x"], says: S.keys.go(S.pages.sandbox) },
} as const satisfies Readonly<Record<string, Row>>;

export type Command = keyof typeof COMMANDS;

/** Keys that are no characters keep working when single keys are switched off. */
const isCharacter = (key: string): boolean => key.length === 1 || key.startsWith("g ");

/** The keys of a command as the preferences have them. */
export const keysOf = (command: Command): readonly string[] => {
  const { singleKeys, remapped } = preferences.value;
  const [first, ...others]: readonly string[] = COMMANDS[command].keys;
  return [remapped[command] ?? first!, ...others].filter((key) => singleKeys || !isCharacter(key));
};

const SHOWN: Readonly<Record<string, string>> = {
  ArrowDown: "↓",
  ArrowUp: "↑",
  ArrowRight: "→",
  ArrowLeft: "←",
  Enter: "⏎",
  Escape: "Esc",
  " ": "Space",
  "Ctrl+k": "Ctrl K",
};

export const shownKey = (key: string): string => SHOWN[key] ?? key;

/** The keys that are pressed one after the other. */
export const strokesOf = (key: string): readonly string[] => (key === " " ? [key] : key.split(" "));

type Handlers = { readonly [Name in Command]?: () => void };

/** What is shown now, the newest last: a dialog's handlers come after those of its page. */
const layers = signal<readonly Handlers[]>([]);

/** Returns what takes the handlers away again. */
export const handleKeys = (handlers: Handlers): (() => void) => {
  layers.value = [...layers.peek(), handlers];
  return () => (layers.value = layers.peek().filter((each) => each !== handlers));
};

const handlerOf = (command: Command, of: readonly Handlers[]): (() => void) | undefined =>
  of.findLast((layer) => layer[command])?.[command];

/** The commands that do something now. */
export const availableCommands = (): readonly Command[] =>
  (Object.keys(COMMANDS) as Command[]).filter((command) => handlerOf(command, layers.value));

/** Does what the key does. */
export const run = (command: Command): void => handlerOf(command, layers.peek())?.();

const TEXT = "input:not([type=checkbox],[type=radio],[type=button]), textarea, select, [contenteditable=true]";
/** Elements that use Enter, space and the arrows themselves. */
const CONTROL = "a, button, summary, [role=menuitem], [role=option], [role=tab], input";
const LEADER_MS = 1500;

/** `typing`: the event is in a text field. `leader`: the key g was pressed a moment ago. Exported for its test. */
export const commandOf = (
  { key, ctrlKey, metaKey }: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey">,
  { typing, control, leader }: { readonly typing: boolean; readonly control: boolean; readonly leader: boolean },
): Command | undefined => {
  const given = ctrlKey || metaKey ? `Ctrl+${key.toLowerCase()}` : leader ? `g ${key}` : key;
  if (typing && !given.startsWith("Ctrl+") && given !== "Escape") return undefined;
  if (control && (given === "Enter" || given === " " || given.startsWith("Arrow"))) return undefined;
  return (Object.keys(COMMANDS) as Command[]).find((command) => keysOf(command).includes(given));
};

export const startKeys = (): void => {
  let leaderAt = -Infinity;
  document.addEventListener("keydown", (event) => {
    const { target, key, altKey, isComposing, timeStamp } = event;
    if (event.defaultPrevented || altKey || isComposing || key === "Shift") return;
    const element = target instanceof Element ? target : document.body;
    const typing = element.matches(TEXT);
    const leader = timeStamp - leaderAt < LEADER_MS;
    leaderAt = -Infinity;
    const command = commandOf(event, { typing, control: element.matches(CONTROL), leader });
    const handler = command && handlerOf(command, layers.peek());
    if (handler) {
      event.preventDefault();
      handler();
    } else if (key === "g" && !leader && !typing && !event.ctrlKey && !event.metaKey && preferences.peek().singleKeys) {
      leaderAt = timeStamp;
    }
  });
};
