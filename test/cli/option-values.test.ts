/** A value that an option rejects: the message names the option, because a command may have several of its kind. */
import { describe, expect, it } from "vitest";
import { ocsgw } from "../kit/command.ts";

describe("an invalid value of an option", () => {
  it.each<[string[], string, string]>([
    [["audit", "search", "--limit", "x"], "--limit <n>", "expected a whole number"],
    [["sandbox", "--seed", "1.5", "--port", "0"], "--seed <n>", "expected a whole number"],
    [["sandbox", "--seed", "1", "--port", "70000"], "--port <n>", "expected a port from 0 to 65535"],
    [["sandbox", "--dial-rate", "z"], "--dial-rate <n>", "expected a number of records per second from 0 to 10000"],
    [["sandbox", "--webhook", "x"], "--webhook <url>", "expected an http or https address"],
    [["sandbox", "--advertise", "x"], "--advertise <url>", "expected an http or https address"],
    [["witness", "--bind", "x"], "--bind <address>", "expected an address and a port"],
  ])("is named with its option: %j", async (words, option, expected) => {
    const { code, stdout, stderr } = await ocsgw(...words);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(`option '${option}' argument '${words.at(words.indexOf(option.split(" ")[0]!) + 1)}'`);
    expect(stderr).toContain(expected);
  });
});
