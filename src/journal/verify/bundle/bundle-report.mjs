/** The verdict on a bundle as text. */
import { tenantOf } from "./bundle-events.mjs";
import { outsideRows } from "./bundle-outside.mjs";

/** Escapes control characters: a bundle is untrusted and must not forge lines of the verdict. */
const visible = (text) =>
  text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (sign) => `\\u{${sign.codePointAt(0).toString(16)}}`);

const row = (name, says) => `  ${name.padEnd(10)}  ${says}`;

/** `statedBy`: the index of the entry that states the last numbers. */
const sequenceText = ({ dbid, upstream, first, last, missing, said, complete }, statedBy) => {
  const gaps = missing === 0 ? "no gap" : `${missing} missing here`;
  const stated =
    said === undefined ? "no entry states the last number" : `entry ${statedBy} states that ${said} was the last`;
  const verdict = complete ? ": complete up to there" : "";
  return `Do-Not-Calls ${first}..${last} of ${tenantOf({ dbid, upstream })}, ${gaps}; ${stated}${verdict}`;
};

const MOST_NAMES = 5;

const shortList = (names) =>
  names.slice(0, MOST_NAMES).join(", ") + (names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : "");

export const printBundle = (report) => {
  const {
    verdict,
    events,
    proved,
    checkpoint,
    signed,
    keys,
    sequences,
    said,
    inDoubt,
    findings,
    more,
    missing,
    notProved,
    ignored,
    outside,
  } = report;
  return [
    row("events", `${events}`),
    ...(checkpoint
      ? [
          row(
            "inclusion",
            `${proved} of ${events} proofs lead to checkpoint ${checkpoint.size} of ${checkpoint.origin} (root ` +
              `${checkpoint.root.slice(0, 12)}…)`,
          ),
        ]
      : []),
    row(
      "signature",
      signed === undefined
        ? "not by a known key"
        : `by ${signed} (${keys === "given" ? "the key given" : "the key in the bundle"})`,
    ),
    ...outsideRows(outside, row),
    ...sequences.map((sequence) => row("sequence", sequenceText(sequence, said))),
    ...(inDoubt > 0 ? [row("in doubt", `${inDoubt} requests whose outcome is not here`)] : []),
    ...findings.map((text) => row("broken", text)),
    ...(more > 0 ? [row("broken", `and ${more} more`)] : []),
    ...(ignored.length > 0 ? [row("ignored", `not part of the bundle: ${shortList(ignored)}`)] : []),
    verdict === "ok"
      ? "OK  unchanged since the checkpoint was signed"
      : verdict === "broken"
        ? `BROKEN  ${findings.length + more} ${findings.length + more === 1 ? "finding" : "findings"}`
        : `CANNOT TELL  ${missing.join("; ")}`,
    ...notProved.map((text) => `not proved: ${text}`),
  ]
    .map(visible)
    .join("\n");
};
