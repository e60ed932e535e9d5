/** What each browser keeps for its user. `public/theme.js` reads theme and density before the first paint. */
import { effect, signal, type Signal } from "@preact/signals";

export type Preferences = {
  readonly theme: "auto" | "light" | "dark";
  readonly density: "dense" | "comfortable";
  readonly zone: "utc" | "local" | "both";
  /** Seconds between two announcements of new flows to screen readers; 0: never. */
  readonly announce: 0 | 5 | 15 | 60;
  /** Whether single keys do anything, and the keys that replace the usual ones, by the id of the command. */
  readonly singleKeys: boolean;
  readonly remapped: Readonly<Record<string, string>>;
  /** Named filters of the flows page. */
  readonly views: readonly { readonly name: string; readonly filter: string }[];
  /** Names of hidden columns of the flows table. */
  readonly hidden: readonly string[];
};

const DEFAULTS: Preferences = {
  theme: "auto",
  density: "dense",
  zone: "utc",
  announce: 5,
  singleKeys: true,
  remapped: {},
  views: [],
  hidden: [],
};

const NAME = "ocsgw.preferences";

const CHOICES: Partial<{ [Key in keyof Preferences]: readonly Preferences[Key][] }> = {
  theme: ["auto", "light", "dark"],
  density: ["dense", "comfortable"],
  zone: ["utc", "local", "both"],
  announce: [0, 5, 15, 60],
};

/** Takes what is valid from stored text: an earlier or a later console may have written it. */
export const readPreferences = (text: string | null): Preferences => {
  const stored = parsed(text);
  const valid = Object.entries(DEFAULTS).map(([name, usual]: [string, unknown]) => {
    const value = stored[name];
    const choices = CHOICES[name as keyof Preferences] as readonly unknown[] | undefined;
    const isValid = choices
      ? choices.includes(value)
      : typeof value === typeof usual && value !== null && Array.isArray(value) === Array.isArray(usual);
    return [name, isValid ? value : usual];
  });
  const read = Object.fromEntries(valid) as Preferences;
  return {
    ...read,
    remapped: Object.fromEntries(Object.entries(read.remapped).filter(([, key]) => typeof key === "string")),
    views: read.views.filter((view) => typeof view?.name === "string" && typeof view.filter === "string"),
    hidden: read.hidden.filter((name) => typeof name === "string"),
  };
};

const parsed = (text: string | null): Readonly<Record<string, unknown>> => {
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
};

/** Storage may be blocked: the preferences then last as long as the page. */
const inStorage = <Value>(use: (storage: Storage) => Value): Value | undefined => {
  try {
    return use(localStorage);
  } catch {
    return undefined;
  }
};

export const preferences: Signal<Preferences> = signal(DEFAULTS);

export const prefer = (change: Partial<Preferences>): void => {
  preferences.value = { ...preferences.peek(), ...change };
  inStorage((storage) => storage.setItem(NAME, JSON.stringify(preferences.peek())));
};

/** Reads the stored preferences and applies them, here and when another tab changes them. */
export const startPreferences = (): void => {
  const read = (): void => {
    preferences.value = readPreferences(inStorage((storage) => storage.getItem(NAME)) ?? null);
  };
  read();
  window.addEventListener("storage", ({ key }) => key === NAME && read());
  effect(() => {
    const { theme, density, zone } = preferences.value;
    document.documentElement.classList.toggle("zone-both", zone === "both");
    const { dataset } = document.documentElement;
    if (theme === "auto") delete dataset["theme"];
    else dataset["theme"] = theme;
    if (density === "dense") delete dataset["density"];
    else dataset["density"] = density;
  });
};
