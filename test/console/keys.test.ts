import { afterEach, describe, expect, it } from "vitest";
import { COMMANDS, commandOf, keysOf, type Command } from "../../src/console/keys.ts";
import { preferences, readPreferences } from "../../src/console/preferences.ts";

const usual = preferences.peek();
afterEach(() => (preferences.value = usual));

const NOWHERE = { typing: false, control: false, leader: false };
const press = (key: string, ctrlKey = false) => ({ key, ctrlKey, metaKey: false });

describe("the table of keys", () => {
  it("gives no key two meanings", () => {
    const all = (Object.keys(COMMANDS) as Command[]).flatMap((command) => COMMANDS[command].keys as readonly string[]);
    expect(all.filter((key, at) => all.indexOf(key) < at)).toEqual([]);
  });

  it("begins with g for pages, and g alone means nothing", () => {
    for (const command of Object.keys(COMMANDS) as Command[])
      expect(COMMANDS[command].keys[0].startsWith("g ")).toBe(command.startsWith("go-"));
    expect(commandOf(press("g"), NOWHERE)).toBeUndefined();
  });
});

describe("a key", () => {
  it.each([
    ["j", "down"],
    ["ArrowDown", "down"],
    ["F", "toggle-filter"],
    ["f", "filter"],
    [" ", "pause"],
    ["?", "help"],
  ] as const)("%j means %s", (key, command) => expect(commandOf(press(key), NOWHERE)).toBe(command));

  it("after g names a page", () => {
    expect(commandOf(press("f"), { ...NOWHERE, leader: true })).toBe("go-flows");
    expect(commandOf(press("j"), { ...NOWHERE, leader: true })).toBeUndefined();
  });

  it("means nothing in a text field, but for Escape and Ctrl K", () => {
    const typing = { ...NOWHERE, typing: true };
    expect(["j", " ", "?", "/", "ArrowDown", "Enter"].map((key) => commandOf(press(key), typing))).toEqual(
      Array(6).fill(undefined),
    );
    expect(commandOf(press("Escape"), typing)).toBe("back");
    expect(commandOf(press("K", true), typing)).toBe("search");
  });

  it("that a button or link needs is left to it", () => {
    const control = { ...NOWHERE, control: true };
    expect([" ", "Enter", "ArrowDown"].map((key) => commandOf(press(key), control))).toEqual(Array(3).fill(undefined));
    expect(commandOf(press("j"), control)).toBe("down");
  });

  it("does nothing where single keys are switched off, unless it is no character", () => {
    preferences.value = { ...usual, singleKeys: false };
    expect(["j", "?", " ", "/"].map((key) => commandOf(press(key), NOWHERE))).toEqual(Array(4).fill(undefined));
    expect(commandOf(press("f"), { ...NOWHERE, leader: true })).toBeUndefined();
    expect(commandOf(press("ArrowDown"), NOWHERE)).toBe("down");
    expect(commandOf(press("k", true), NOWHERE)).toBe("search");
  });

  it("can be replaced", () => {
    preferences.value = { ...usual, remapped: { pause: "p" } };
    expect(commandOf(press("p"), NOWHERE)).toBe("pause");
    expect(commandOf(press(" "), NOWHERE)).toBeUndefined();
    expect(keysOf("down")).toEqual(["j", "ArrowDown"]);
  });
});

describe("stored preferences", () => {
  it.each([null, "", "no JSON", "[]", "7", "null", '{"theme":"pink","announce":7,"views":{},"remapped":[]}'])(
    "that are damaged mean the usual ones: %j",
    (text) => expect(readPreferences(text)).toEqual(readPreferences("{}")),
  );

  it("keep what is valid", () => {
    const text = '{"theme":"dark","zone":"both","views":[{"name":"mine","filter":"is:refused"},7],"unknown":1}';
    expect(readPreferences(text)).toMatchObject({
      theme: "dark",
      zone: "both",
      density: "dense",
      views: [{ name: "mine", filter: "is:refused" }],
    });
  });
});
