import { describe, expect, it } from "vitest";
import { readDateTime } from "../../../src/ocs/date-time.ts";
import { TIME_ZONES, utcSeconds } from "../../../src/sandbox/world/time-zones.ts";

const zoneOf = (name: string): string => TIME_ZONES.find((zone) => zone.name === name)!.zone;

describe("the conversion of local time to UTC seconds", () => {
  it.each([
    ["GMT", "07/01/2026 13:00", "2026-07-01T13:00Z"],
    ["PST", "12/12/2009 13:00", "2009-12-12T21:00Z"],
    ["PST", "07/01/2026 13:00", "2026-07-01T20:00Z"],
    ["EST", "01/15/2026 00:00", "2026-01-15T05:00Z"],
    ["IST", "01/15/2026 00:00", "2026-01-14T18:30Z"],
    ["AEST", "01/15/2026 00:00", "2026-01-14T13:00Z"],
    // The last minute before and the first after each change in Los Angeles.
    ["PST", "03/08/2026 01:59", "2026-03-08T09:59Z"],
    ["PST", "03/08/2026 03:00", "2026-03-08T10:00Z"],
    ["PST", "11/01/2026 00:59", "2026-11-01T07:59Z"],
    ["PST", "11/01/2026 02:00", "2026-11-01T10:00Z"],
    // Never shown: as if the clock had not been put forward. Shown twice: the first.
    ["PST", "03/08/2026 02:30", "2026-03-08T10:30Z"],
    ["PST", "11/01/2026 01:30", "2026-11-01T08:30Z"],
  ])("in %s of %s gives %s", (name, wall, instant) => {
    expect(utcSeconds(readDateTime(wall)!, zoneOf(name))).toBe(Date.parse(instant) / 1000);
  });

  it("is reversible in every zone on every third day of a year, except for the skipped hour", () => {
    for (const { zone } of TIME_ZONES) {
      const clock = new Intl.DateTimeFormat("en-US", {
        timeZone: zone,
        hourCycle: "h23",
        month: "2-digit",
        day: "2-digit",
        year: "numeric",
        hour: "2-digit",
        minute: "2-digit",
      });
      for (let day = 0; day < 365; day += 3) {
        const date = new Date(Date.UTC(2026, 0, 1 + day));
        const wall = { year: 2026, month: date.getUTCMonth() + 1, day: date.getUTCDate(), hour: 12, minute: 34 };
        const [month, dayOfMonth] = [wall.month, wall.day].map((number) => String(number).padStart(2, "0"));
        expect(clock.format(utcSeconds(wall, zone) * 1000)).toBe(`${month}/${dayOfMonth}/2026, 12:34`);
      }
    }
  });
});
