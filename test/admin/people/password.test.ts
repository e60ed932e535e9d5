import { describe, expect, it } from "vitest";
import { passwordFault, preparePassword } from "../../../src/admin/people/password.ts";

describe("a new password", () => {
  it.each([
    "correct horse battery", // not the whole famous one
    "drei gelbe Enten am See",
    "aaaabbbbccccddddeeee",
    "żółta łódź na rzece",
    "пароль для консоли",
    "🦆🦉🦅🦜🦢🦩🦚🦃🐓🐔🐣🐤",
    "zu7%Kq!w2-Lm",
    "administrators dislike clouds",
  ])("may be %j, whatever kinds of characters it has", (password) =>
    expect(passwordFault(password, "alice")).toBeUndefined(),
  );

  type Row = readonly [why: RegExp, password: string, name?: string];
  const rows = (...table: readonly Row[]) =>
    table.map(([why, password, name = "bob"]) => [why, password, name] as const);
  it.each(
    rows(
      [/has 0 characters/, ""],
      [/has 11 characters, and 12 are the minimum/, "elevenchars"],
      [/has 11 characters/, "🦆🦉🦅🦜🦢🦩🦚🦃🐓🐔🐣"],
      [/longer than 512 bytes/, "long enough ".repeat(50)],
      [/control character/, "correct horse\0battery"],
      [/control character/, "correct\thorse battery"],
      [/control character/, "correct horse\nbattery"],
      [/repeats very few characters/, "aaaaaaaaaaaaaaaa"],
      [/repeats very few characters/, "12121212121212"],
      [/the user's name/, "alice.smith@example.com", "alice.smith@example.com"],
      [/the user's name/, "Alice.Smith1", "alice.smith"],
      [/the user's name/, "alice-alice-alice", "alice"],
      [/the user's name/, "al1ce.sm1th!!!", "alice.smith"],
      [/common password/, "passwordpassword"],
      [/common password/, "P@ssw0rd2026!"],
      [/common password/, "Password-12345"],
      [/common password/, "1234567890123"],
      [/common password/, "qwertyuiop[]"],
      [/common password/, "Qwertzuiop2026"],
      [/common password/, "Welcome2026!!"],
      [/common password/, "admin-admin-admin"],
      [/common password/, "letmein-letmein"],
      [/common password/, "correct horse battery staple"],
      [/common password/, "abcdefghijkl"],
      [/common password/, "OcsGateway-2026"],
      [/common password/, "alice-password-1", "alice"],
    ),
  )("is refused (%s): %j", (why, password, name) => expect(passwordFault(password, name)).toMatch(why));
});

describe("a password", () => {
  it("is the same in each spelling that keyboards write", () => {
    expect(preparePassword("cafe\u0301 au\u00a0lait")).toBe("café au lait");
    expect(preparePassword("Ａ b")).toBe("Ａ b");
  });

  it("keeps its case, and blanks at its ends", () => expect(preparePassword(" Aa ")).toBe(" Aa "));
});
