/** Texts of the page Exports. */
import { frame } from "../frame.ts";

const { count } = frame;

export const exports = {
  title: "New export",
  filter: "Filter; empty: everything",
  personal:
    "This filter may contain a phone number or a customer id. Find the person with a look-up, and export from there.",
  from: "From (UTC day)",
  to: "To (UTC day)",
  format: "Format",
  formats: {
    csv: "CSV, for people",
    ndjson: "NDJSON, for machines",
    bundle: "Bundle, for proof",
    html: "HTML, to print",
    case: "Case of one person",
  },
  formatHelp: {
    csv: "One row for each request. Cells that a spreadsheet would take for a formula begin with an apostrophe.",
    ndjson: "The entries, line by line, as they are in the journal.",
    bundle:
      "Entries, proofs, checkpoint, keys, and a program that verifies them without a network. Unpack it into an " +
      "empty folder.",
    html: "A table without scripts, with who made it and why.",
    case: "A bundle about one person, with what is joined to the person's requests and a page to read.",
  },
  purpose: "Purpose, recorded in the journal",
  start: "Export",
  help: "An export has no limit of rows. Requests come first, so a long one takes its time; this page may be closed.",
  list: "Files",
  caption: "Exports since the gateway started, newest first",
  none: "No export yet",
  noneHelp: "Files stay here for a while, and are removed when the gateway stops.",
  what: "What",
  everything: "everything",
  by: "By",
  started: "Started",
  state: "State",
  states: { running: "running", done: "done", failed: "failed", cancelled: "cancelled" },
  progress: (percent: number) => `${percent} %`,
  found: (matching: number, entries: number, isBundle: boolean) =>
    `${count(matching, "request or event", "requests and events")}${isBundle ? ", and the entry of this export" : ""}` +
    `${isBundle ? ":" : ","} ${count(entries, "entry", "entries")}`,
  notComplete: "not complete",
  complete: "complete",
  file: "File",
  download: "Download",
  noFile: "removed",
  until: (time: string) => `until ${time}`,
  sha: (hash: string) => `SHA-256 ${hash}`,
  cancel: "Cancel",
  remove: "Remove",
  actions: "Actions",
  history: "Who exported what",
  historyHelp: "From the journal, also of earlier runs and of the command line.",
  historyNone: "No export is in the journal.",
  time: "Time",
  user: "User",
  query: "Filter",
  why: "Purpose",
  noPurpose: "none given",
  all: "All accesses",
} as const;
