import { expect, it } from "vitest";
import { byteRange } from "../../../src/admin/files/byte-range.ts";

const part = (from: number, to: number) => ({ from, to });

it.each([
  [undefined, 10, "whole"],
  ["bytes=0-", 10, part(0, 10)],
  ["bytes=0-0", 10, part(0, 1)],
  ["bytes=3-5", 10, part(3, 6)],
  ["bytes = 3 - 5", 10, part(3, 6)],
  ["bytes=9-", 10, part(9, 10)],
  ["bytes=3-99", 10, part(3, 10)],
  ["bytes=-4", 10, part(6, 10)],
  ["bytes=-99", 10, part(0, 10)],
  ["bytes=10-", 10, "unsatisfiable"],
  ["bytes=10-12", 10, "unsatisfiable"],
  ["bytes=-0", 10, "unsatisfiable"],
  ["bytes=0-", 0, "unsatisfiable"],
  ["bytes=-5", 0, "unsatisfiable"],
  ["bytes=5-3", 10, "whole"],
  ["bytes=0-1,4-5", 10, "whole"],
  ["bytes=-", 10, "whole"],
  ["bytes=a-b", 10, "whole"],
  ["bytes=1.5-", 10, "whole"],
  ["lines=0-1", 10, "whole"],
  ["bytes=99999999999999999999-", 10, "whole"],
  ["", 10, "whole"],
] as const)("of the header %j and %i bytes is %j", (header, size, range) => {
  expect(byteRange(header, size)).toEqual(range);
});
