import { expect, it } from "vitest";
import { JournalUnavailable } from "../../../src/journal/errors.ts";
import { WriterStates, type WriterState } from "../../../src/journal/write/writer-state.ts";

const why = new JournalUnavailable("/journal", "no space is left on the disk");
const done = Promise.resolve();
const STATES: Readonly<Record<WriterState["name"], WriterState>> = {
  open: { name: "open" },
  writing: { name: "writing", done },
  failed: { name: "failed", why, since: 0, late: undefined },
  recovering: { name: "recovering", why, since: 0, done },
  closed: { name: "closed", why, done: undefined },
};
/** A way to each state. */
const WAYS: Readonly<Record<WriterState["name"], readonly WriterState["name"][]>> = {
  open: [],
  writing: ["writing"],
  failed: ["failed"],
  recovering: ["failed", "recovering"],
  closed: ["closed"],
};

const statesAt = (name: WriterState["name"]): WriterStates => {
  const states = new WriterStates();
  for (const each of WAYS[name]) states.become(STATES[each]);
  return states;
};

it.each<[WriterState["name"], readonly WriterState["name"][]]>([
  ["open", ["writing", "failed", "closed"]],
  ["writing", ["open", "failed", "closed"]],
  ["failed", ["failed", "recovering", "closed"]],
  ["recovering", ["open", "failed", "closed"]],
  ["closed", []],
])("a writer that is %s becomes %j and nothing else", (name, following) => {
  const reached = Object.values(STATES).filter((next) => {
    const states = statesAt(name);
    try {
      states.become(next);
      return states.current === next;
    } catch (error) {
      expect(String(error)).toContain(`it is ${name}`);
      return false;
    }
  });
  expect(reached.map((state) => state.name).toSorted()).toEqual([...following].toSorted());
});

it.each<[WriterState["name"], boolean]>([
  ["open", true],
  ["writing", true],
  ["failed", false],
  ["recovering", false],
  ["closed", false],
])("a writer that is %s takes entries: %s", (name, isTaking) => {
  expect(statesAt(name).why).toBe(isTaking ? undefined : why);
});
