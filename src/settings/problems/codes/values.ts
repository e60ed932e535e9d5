/** Codes 60xx and 61xx: the file cannot be read, or a value is wrong. */
import type { CodeRow } from "./code-row.ts";

export const VALUES: Readonly<Record<number, CodeRow>> = {
  6001: {
    what: "a config file cannot be read",
    help: "Correct the path (-c FILE), or the permissions for the gateway's user.",
  },
  6002: {
    what: "the file is not valid YAML",
    help:
      "Correct the place that check names. Common causes are a tab, a missing space after a colon, and a " +
      "quote that is not closed.",
  },
  6003: {
    what: "a key stands twice in one section",
    help: "Remove one of the two. YAML readers disagree on which of them counts, so the gateway takes neither.",
  },
  6004: {
    what:
      "the file uses a part of YAML that is not allowed here, such as several documents, a tag or an alias " +
      "that grows",
    help: "Write plain keys, lists and values.",
  },
  6011: {
    what: "${VAR} names a variable that is not set",
    help: "Set the variable for the gateway's process, or write a default: ${VAR:-default}.",
  },
  6012: {
    what: "the file of ${file:PATH} cannot be read",
    help: "Correct the path (it is relative to the config file), or the permissions for the gateway's user.",
  },
  6013: {
    what: "${…} is not a substitution that exists",
    help: "Write ${VAR}, ${VAR:-default} or ${file:PATH}; write $${ for the text ${.",
  },
  6101: {
    what: "unknown key",
    help: "Correct its spelling (check suggests the nearest key), or remove it. ocsgw check --explain lists all keys.",
  },
  6102: {
    what: "a required key is missing",
    help: "Add it. ocsgw check --explain lists all keys with their meaning.",
  },
  6103: {
    what: "a value has the wrong type or form",
    help: "Write a value as the message expects. ocsgw check --explain shows units and defaults.",
  },
};
