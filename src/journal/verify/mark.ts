/** The gateway's "verified to N" mark as a verifier reads it: signed, and with the root of a checkpoint. A scan may begin behind it. */
import { join } from "node:path";
import type { Aside } from "./asides.ts";
import { Prefix } from "./merkle.ts";
import { numbersOf } from "./scan.ts";
import { isAbsent, readSmall } from "./small-file.ts";
import { checkSignatures, splitNote, type Claim, type VerifierKey } from "./signatures.ts";

/** `frontier`: roots of the full subtrees in hex, the smallest first. `at`: RFC 3339. */
export type Mark = {
  readonly size: number;
  readonly frontier: readonly string[];
  readonly segment: number;
  readonly dnc: Readonly<Record<string, number>>;
  readonly at: string;
  /** What was set aside below it. */
  readonly asides: readonly Aside[];
};

const TITLE = "ocsgw verified mark, format 1";

/** The mark, or why there is none that can be used. */
export const loadMark = async (
  dir: string,
  keys: readonly VerifierKey[],
  anchors: readonly Claim[],
): Promise<Mark | string> => {
  const text = await readSmall(join(dir, "verified")).catch((error: Error) => error);
  if (text instanceof Error && !isAbsent(text)) return `the mark cannot be read: ${text.message}`;
  if (text instanceof Error)
    return "there is no mark yet: the gateway leaves one when it has read old entries again, and removes it when one of them is damaged";
  const note = splitNote(text);
  const signed = note && checkSignatures(note, keys);
  if (!note || signed?.kind !== "signed") return "the mark is not signed by a known key";
  const [title, json = ""] = note.text.split("\n");
  if (title !== TITLE) return "the mark is of another version";
  const {
    origin,
    size,
    root,
    frontier,
    segment,
    dnc,
    at,
    set_aside: asides = [],
  } = JSON.parse(json) as Omit<Mark, "asides"> & {
    readonly origin: string;
    readonly root: string;
    readonly set_aside?: readonly Aside[];
  };
  const hex = frontier.map((each) => Buffer.from(each, "base64").toString("hex"));
  const own = Buffer.from(root, "base64").toString("hex");
  if (origin !== signed.by.name || !Prefix.isOf(size, hex) || new Prefix(size, hex).root() !== own)
    return "the mark's root does not follow from it";
  // A mark is only as good as what bears it out today.
  if (!anchors.some((anchor) => anchor.trusted !== false && anchor.size === size && anchor.root === own))
    return `no signed checkpoint of ${size} entries has the mark's root`;
  if (!(await numbersOf(dir, ".jsonl")).includes(segment)) return "the entries behind the mark are not there any more";
  return { size, frontier: hex, segment, dnc, at, asides };
};
