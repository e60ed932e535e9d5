/**
 * Reads the gateway's "verified to N" mark. It must be signed and have the root of a checkpoint; a scan can start at
 * it.
 */
import { join } from "node:path";
import type { SetAsideSpan } from "./set-aside.ts";
import { Prefix } from "./merkle.ts";
import { numbersOf } from "./segments/segment-files.ts";
import { isAbsent, readSmall } from "./small-file.ts";
import type { Mark } from "./scan.ts";
import { checkSignatures, splitNote, type Claim, type VerifierKey } from "./signatures.ts";

const TITLE = "ocsgw verified mark, format 1";

/** The mark, or the reason why there is no usable one. */
export const loadMark = async (
  dir: string,
  keys: readonly VerifierKey[],
  anchors: readonly Claim[],
): Promise<Mark | string> => {
  const text = await readSmall(join(dir, "verified")).catch((error: Error) => error);
  if (text instanceof Error && !isAbsent(text)) return `the mark cannot be read: ${text.message}`;
  if (text instanceof Error)
    return (
      "there is no mark yet: the gateway writes one after it has verified the old entries, and removes it when " +
      "it finds damage"
    );
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
    set_aside: setAsideSpans = [],
  } = JSON.parse(json) as Omit<Mark, "setAsideSpans"> & {
    readonly origin: string;
    readonly root: string;
    readonly set_aside?: readonly SetAsideSpan[];
  };
  const hex = frontier.map((each) => Buffer.from(each, "base64").toString("hex"));
  const own = Buffer.from(root, "base64").toString("hex");
  if (origin !== signed.by.name || !Prefix.isOf(size, hex) || new Prefix(size, hex).root() !== own)
    return "the mark is inconsistent: its root does not match its hashes";
  // A mark is valid only if a signed checkpoint still confirms it.
  if (!anchors.some((anchor) => anchor.trusted !== false && anchor.size === size && anchor.root === own))
    return `no signed checkpoint of ${size} entries has the mark's root`;
  if (!(await numbersOf(dir, ".jsonl")).includes(segment)) return "the entries after the mark no longer exist";
  return { size, frontier: hex, segment, dnc, at, setAsideSpans };
};
