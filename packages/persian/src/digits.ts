const persianZero = 0x06f0;
const arabicZero = 0x0660;

/** Persian and Arabic digits as ASCII, for machine fields. */
export function toLatinDigits(text: string): string {
  return text.replaceAll(/[۰-۹٠-٩]/g, (digit) => {
    const code = digit.codePointAt(0) ?? 0;
    return String(code >= persianZero ? code - persianZero : code - arabicZero);
  });
}

export function toPersianDigits(text: string | number): string {
  return String(text).replaceAll(/\d/g, (digit) => String.fromCodePoint(persianZero + Number(digit)));
}
