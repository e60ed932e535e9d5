import { describe, expect, it } from "vitest";
import { isDateTime, readDateTime } from "../../src/ocs/date-time.ts";

describe("readDateTime", () => {
  it("reads the month first", () => {
    expect(readDateTime("10/30/2008 13:05")).toEqual({ year: 2008, month: 10, day: 30, hour: 13, minute: 5 });
  });

  it.each(["12/12/2009 13:00", "02/29/2028 00:00", "02/29/2000 23:59", "01/01/1970 00:00", "12/31/9999 23:59"])(
    "accepts %s",
    (text) => {
      expect(isDateTime(text)).toBe(true);
    },
  );

  it.each([
    ["day first", "30/10/2008 13:05"],
    ["a day that does not exist", "02/30/2028 10:00"],
    ["29 February of no leap year", "02/29/2027 10:00"],
    ["29 February of 2100", "02/29/2100 10:00"],
    ["month 0", "00/10/2027 10:00"],
    ["day 0", "01/00/2027 10:00"],
    ["hour 24", "01/01/2027 24:00"],
    ["minute 60", "01/01/2027 10:60"],
    ["before 1970", "12/31/1969 23:59"],
    ["year 0000", "01/01/0000 00:00"],
    ["one digit", "1/1/2027 10:00"],
    ["seconds", "01/01/2027 10:00:00"],
    ["ISO 8601", "2027-01-01T10:00"],
    ["a zone", "01/01/2027 10:00Z"],
    ["am", "01/01/2027 10:00 AM"],
    ["no time", "01/01/2027"],
    ["a line feed at the end", "01/01/2027 10:00\n"],
    ["two blanks", "01/01/2027  10:00"],
    ["other digits", "０１/01/2027 10:00"],
    ["a sign", "01/01/+027 10:00"],
    ["nothing", ""],
  ])("refuses %s: %j", (_, text) => {
    expect(readDateTime(text)).toBeUndefined();
  });
});
