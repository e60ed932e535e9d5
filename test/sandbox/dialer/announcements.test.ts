/** The record of what OCS announced to its validation-uri, and what each answer meant. */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { aSetting, EVENING, until, type Setting } from "./kit.ts";

let setting: Setting;
beforeEach(async () => {
  setting = await aSetting(() => EVENING);
});
afterEach(() => setting.end());

const withValidator = () => setting.make({ validationUri: setting.validator.url, responseTimeout: 5000 });

describe("the announcements of the dialer", () => {
  it.each([
    ["dials", { status: 200 } as const, "dial", null],
    ["stops", { status: 409, body: '{"GSW_CALL_RESULT":51}' } as const, "stop", "409, GSW_CALL_RESULT 51"],
    ["stops, too,", { status: 500 } as const, "stop", "answered 500"],
    ["leaves for later", "hang up" as const, "later", expect.any(String)],
  ])("have a record that the answer %s", async (_what, said, decision, because) => {
    const dialer = withValidator();
    await dialer.announce();
    setting.validator.answer = () => said;
    await dialer.dial({ count: 1 });
    expect(dialer.announcements()[0]).toMatchObject({
      cause: "dialing",
      tenant: "Alpha Tenant",
      list: "Alpha List",
      handle: expect.any(Number) as number,
      phone: expect.stringMatching(/^4155550/) as string,
      decision,
      because,
    });
  });

  it("have every issued handle that OCS announces again, which is no question", async () => {
    const dialer = withValidator();
    await dialer.announce();
    const told = dialer.announcements();
    expect(told.map(({ cause, decision }) => `${cause} ${decision}`)).toEqual(told.map(() => "again noted"));
    expect(told.map(({ handle }) => handle)).toContain(15);
    expect(told[0]!.number).toBe(told.length);
  });

  it("have a handle once while the validation-uri does not answer, and wait for an answer under way", async () => {
    const dialer = withValidator();
    setting.validator.answer = () => "hang up";
    for (let count = 0; count < 3; count++) expect(await dialer.announce()).toBe(false);
    expect(dialer.announcements().map(({ decision }) => decision)).toEqual(["later"]);
    let answer: ((said: { readonly status: number }) => void) | undefined;
    setting.validator.answer = () => new Promise((resolve) => (answer = resolve));
    const announcing = dialer.announce();
    await until(() => answer !== undefined);
    expect(dialer.announcements()[0]).toMatchObject({ decision: "waiting", because: null });
    setting.validator.answer = () => ({ status: 200 });
    answer!({ status: 200 });
    expect(await announcing).toBe(true);
  });

  it("are the last hundred", async () => {
    const dialer = withValidator();
    for (let count = 0; count < 8; count++) await dialer.announce();
    expect(dialer.announcements()).toHaveLength(100);
  });
});
