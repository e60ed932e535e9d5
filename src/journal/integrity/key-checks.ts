/**
 * Check values of the index key. A check value is HMAC-SHA-256 of a fixed text with the key of one epoch. The journal
 * states it before the first token of that epoch, so that another secret under the same name (another file, a line
 * break more, the sample's trial key because a variable is not set) is noticed before it makes or looks for a token.
 */
import type { Config, Entry } from "./entry.ts";
import { hmacWith } from "./hmac.ts";
import { indexKeysOf, type IndexKeys } from "./redact.ts";

/** `check`: 64 hexadecimal digits. `from`: index of the entry that stated it first; no token before it is covered. */
export type KeyCheck = { readonly check: string; readonly from: number };
/** By epoch. */
export type KeyChecks = Readonly<Record<string, KeyCheck>>;

/** Tokens are made of texts that have a NUL behind their class; this one has none, so no token is a check value. */
const FIXED_TEXT = "ocs-gateway check value of an index key, version 1";

export const checkValueOf = (secret: Uint8Array | string): string =>
  hmacWith(Buffer.from(secret as string))(FIXED_TEXT);

export type KeyDifference = {
  readonly epoch: string;
  /** In words, with the likely reason where one is found. */ readonly why: string;
};

/** The config holds another secret than the one that the journal's check value was made with. */
export class IndexKeyDiffers extends Error {
  override readonly name = "IndexKeyDiffers";
  readonly differences: readonly KeyDifference[];

  constructor(differences: readonly KeyDifference[]) {
    super(
      `${differences.map(({ epoch, why }) => `audit.index_key, epoch ${epoch}: ${why}`).join("; ")}; ${KEY_REMEDY}`,
    );
    this.differences = differences;
  }
}

export const KEY_REMEDY =
  "give the former secret again, or keep it under its epoch and add the new one under an epoch of its own";

/** Secrets that are known by name, to say which one stands there by mistake. */
export type NamedSecrets = Readonly<Record<string, string>>;

/** The keys whose epoch has a check value in the journal that they do not have. */
export const keyDifferences = (
  keys: IndexKeys,
  recorded: KeyChecks,
  known: NamedSecrets = {},
): readonly KeyDifference[] => {
  const held = indexKeysOf(keys);
  return held.flatMap(({ epoch, secret }): KeyDifference | [] => {
    const { check, from } = recorded[epoch] ?? {};
    if (check === undefined || check === checkValueOf(secret)) return [];
    const others = held
      .filter((each) => each.epoch !== epoch)
      .map((each) => [`the secret of epoch ${each.epoch}`, textOf(each.secret)] as const);
    const hint = hintOf(textOf(secret), check, [...Object.entries(known), ...others]);
    return {
      epoch,
      why:
        `the secret is not the one that the journal uses under this name since entry ${from}` +
        (hint === undefined ? "" : `: ${hint}`),
    };
  });
};

const textOf = (secret: Uint8Array | string): string => Buffer.from(secret as string).toString("utf8");

const BYTE_ORDER_MARK = "\uFEFF";
const ENDINGS = ["\n", "\r\n", "\r", " "] as const;

/** What files and variables do to a secret, and the mistakes that are made with several of them. */
const hintOf = (
  secret: string,
  check: string,
  known: readonly (readonly [name: string, secret: string])[],
): string | undefined => {
  const bare = secret.replace(/^\uFEFF/, "").trim();
  const named = known.find(([, other]) => other === bare)?.[0];
  if (named !== undefined)
    return `it is ${named}${/trial/.test(named) ? "; is the variable with the key not set?" : ""}`;
  if (secret !== bare && checkValueOf(bare) === check)
    return "it has a line break, blank or byte order mark at an end that the journal's key does not have";
  if (ENDINGS.some((ending) => checkValueOf(bare + ending) === check))
    return "the journal's key has a line break or blank at its end";
  if ([bare, ...ENDINGS.map((ending) => bare + ending)].some((text) => checkValueOf(BYTE_ORDER_MARK + text) === check))
    return "the journal's key begins with a byte order mark";
  const journals = known.find(([, other]) => checkValueOf(other) === check)?.[0];
  return journals === undefined ? undefined : `the journal's key of this name is ${journals}`;
};

/** What the journal knows of check values, and which are still to be stated. */
export class KeyRegister {
  readonly #stated = new Map<string, KeyCheck>();
  /** Check values that no entry has yet. */
  readonly #owed = new Map<string, string>();
  /** The entry that stated it, while that may still be lost. */
  readonly #statedBy = new Map<string, Entry>();
  #configHash = "";

  /** From now on these keys make tokens or look for them. Throws IndexKeyDiffers, and then nothing has changed. */
  use(keys: IndexKeys, configHash: string, known: NamedSecrets = {}): void {
    const differences = keyDifferences(keys, this.all(), known);
    if (differences.length > 0) throw new IndexKeyDiffers(differences);
    this.#configHash = configHash;
    this.#owed.clear();
    for (const { epoch, secret } of indexKeysOf(keys))
      if (!this.#stated.has(epoch)) this.#owed.set(epoch, checkValueOf(secret));
  }

  /** Whether a check value must be stated before any other entry. */
  get owes(): boolean {
    return this.#owed.size > 0;
  }

  /** The entry that states it, where no other does. */
  statement(): Config {
    return {
      kind: "config",
      config_hash: this.#configHash,
      change: "index-keys",
      detail: `check values of index keys: ${[...this.#owed.keys()].join(", ")}`,
    };
  }

  /** Whether an entry states all check values by the way. */
  states(entry: Entry): boolean {
    return (
      entry.kind === "start" ||
      entry.kind === "deleted" ||
      entry.kind === "set-aside" ||
      (entry.kind === "config" && STATING.has(entry.change))
    );
  }

  /** The entry as it is written at this index. Every entry that states some states all, so the newest one is enough. */
  given(entry: Entry, index: number): Entry {
    if (!this.states(entry) || this.#stated.size + this.#owed.size === 0) return entry;
    const owed = [...this.#owed].map(([epoch, check]) => [epoch, { check, from: index }] as const);
    return { ...entry, index_keys: { ...this.all(), ...Object.fromEntries(owed) } } as Entry;
  }

  /** An entry as `given` made it has its place. */
  took(entry: Entry): void {
    if (!this.states(entry) || !("index_keys" in entry)) return;
    for (const [epoch, check] of Object.entries(entry.index_keys ?? {})) {
      if (this.#stated.has(epoch)) continue;
      this.#stated.set(epoch, check);
      this.#statedBy.set(epoch, entry);
      this.#owed.delete(epoch);
    }
  }

  /** An entry that had its place is not on disk after all: what it stated is owed again. */
  lost(entry: Entry): void {
    for (const [epoch, by] of this.#statedBy) {
      if (by !== entry) continue;
      this.#owed.set(epoch, this.#stated.get(epoch)!.check);
      this.#stated.delete(epoch);
      this.#statedBy.delete(epoch);
    }
  }

  /** A line that is on disk. What was stated first of an epoch stays. */
  found(checks: KeyChecks): void {
    for (const [epoch, { check, from }] of Object.entries(checks))
      if (!this.#stated.has(epoch)) this.#stated.set(epoch, { check, from });
  }

  all(): KeyChecks {
    return Object.fromEntries(this.#stated);
  }

  save(): KeyChecks {
    return this.all();
  }

  restore(saved: KeyChecks): void {
    this.found(saved);
  }
}

const STATING: ReadonlySet<Config["change"]> = new Set(["loaded", "reloaded", "index-keys"]);
