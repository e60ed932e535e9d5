import { afterAll, describe, expect, it } from "vitest";
import { rememberConfig, withGivenConfig } from "../../../src/cli/process/given-config.ts";

afterAll(() => rememberConfig(undefined));

describe("a command in a printed text", () => {
  it.each([
    [undefined, "to find out: ocsgw audit verify -c FILE"],
    ["/etc/ocsgw/ocsgw.yaml", "to find out: ocsgw audit verify -c /etc/ocsgw/ocsgw.yaml"],
    ["my config/a$&.yaml", "to find out: ocsgw audit verify -c 'my config/a$&.yaml'"],
  ])("has the config file %s of the command that prints it", (file, text) => {
    rememberConfig(file);
    expect(withGivenConfig("to find out: ocsgw audit verify -c FILE")).toBe(text);
    expect(withGivenConfig("-c FILES stays")).toBe("-c FILES stays");
  });
});
