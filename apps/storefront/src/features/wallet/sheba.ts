/** In groups of four, as it is printed on bank papers. */
export function showSheba(sheba: string): string {
  return sheba.replaceAll(/(.{4})(?=.)/g, '$1 ');
}
