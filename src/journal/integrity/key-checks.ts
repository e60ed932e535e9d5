/**
 * Check values of index keys. A check value is the HMAC-SHA-256 of a fixed text with the key of one epoch. The journal
 * records it before the first token of that epoch, so that another secret under the same name (another file, an extra
 * line break, the sample's trial key because a variable is not set) is noticed before it makes or searches tokens.
 */
import type { Config, Entry } from "../entry.ts";
import { hmacWith } from "../hmac.ts";
import { indexKeysOf, type IndexKeys } from "../redact.ts";
import type { KeyCheck, KeyChecks } from "../entry.ts";

/** The texts of tokens contain a NUL; this text does not, so a check value never equals a token. */
const FIXED_TEXT = "ocs-gateway check value of an index key, version 1";

export const checkValueOf = (secret: Uint8Array | string): string =>
  hmacWith(Buffer.from(secret as string))(FIXED_TEXT);

export type KeyDifference = {
  readonly epoch: string;
  /** In words, with the likely reason if known. */
  readonly why: string;
};

/** The config's secret differs from the one behind the journal's check value. */
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

/** Well-known secrets by name, to recognize one that was used by mistake. */
export type NamedSecrets = Readonly<Record<string, string>>;

/** The keys that contradict the journal's check value for their epoch. */
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

/** Recognizes common mistakes: line breaks and byte order marks of files, and mixed-up secrets. */
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

/** The check values that the journal has, and those that must still be recorded. */
export class KeyRegister {
  readonly #stated = new Map<string, KeyCheck>();
  /** Check values that no entry has recorded yet. */
  readonly #unstated = new Map<string, string>();
  /** The entry that records it, as long as that entry can still be lost. */
  readonly #statedBy = new Map<string, Entry>();
  #configHash = "";

  /** Uses these keys from now on. Throws IndexKeyDiffers, and then changes nothing. */
  use(keys: IndexKeys, configHash: string, known: NamedSecrets = {}): void {
    const differences = keyDifferences(keys, this.all(), known);
    if (differences.length > 0) throw new IndexKeyDiffers(differences);
    this.#configHash = configHash;
    this.#unstated.clear();
    for (const { epoch, secret } of indexKeysOf(keys))
      if (!this.#stated.has(epoch)) this.#unstated.set(epoch, checkValueOf(secret));
  }

  /** Whether a check value must be recorded before any other entry. */
  get hasUnstated(): boolean {
    return this.#unstated.size > 0;
  }

  /** An entry that records the check values, if no other entry does. */
  statement(): Config {
    return {
      kind: "config",
      config_hash: this.#configHash,
      change: "index-keys",
      detail: `check values of index keys: ${[...this.#unstated.keys()].join(", ")}`,
    };
  }

  /** Whether entries of this kind carry all check values. */
  isStating(entry: Entry): boolean {
    return (
      entry.kind === "start" ||
      entry.kind === "deleted" ||
      entry.kind === "set-aside" ||
      (entry.kind === "config" && STATING.has(entry.change))
    );
  }

  /**
   * The entry with the check values, as written at this index. It has all of them, so the newest such entry is enough.
   */
  withKeyChecks(entry: Entry, index: number): Entry {
    if (!this.isStating(entry) || this.#stated.size + this.#unstated.size === 0) return entry;
    const unstated = [...this.#unstated].map(([epoch, check]) => [epoch, { check, from: index }] as const);
    return { ...entry, index_keys: { ...this.all(), ...Object.fromEntries(unstated) } } as Entry;
  }

  /** An entry from `withKeyChecks` has its place in the journal. */
  onPlaced(entry: Entry): void {
    if (!this.isStating(entry) || !("index_keys" in entry)) return;
    for (const [epoch, check] of Object.entries(entry.index_keys ?? {})) {
      if (this.#stated.has(epoch)) continue;
      this.#stated.set(epoch, check);
      this.#statedBy.set(epoch, entry);
      this.#unstated.delete(epoch);
    }
  }

  /** An entry that had its place did not reach the disk: its check values must be recorded again. */
  onLost(entry: Entry): void {
    for (const [epoch, by] of this.#statedBy) {
      if (by !== entry) continue;
      this.#unstated.set(epoch, this.#stated.get(epoch)!.check);
      this.#stated.delete(epoch);
      this.#statedBy.delete(epoch);
    }
  }

  /** Check values of an entry on disk. The first one of an epoch stays. */
  addFromJournal(checks: KeyChecks): void {
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
    this.addFromJournal(saved);
  }
}

const STATING: ReadonlySet<Config["change"]> = new Set(["loaded", "reloaded", "index-keys"]);
