type Language = 'fa' | 'en';

/** An amount of Rial as people speak of it. An odd Rial is shown, never rounded away. */
export function formatToman(amountRial: number, language: Language): string {
  return language === 'fa'
    ? `${formatTomanNumber(amountRial, 'fa')} تومان`
    : `${formatTomanNumber(amountRial, 'en')} Toman`;
}

export function formatTomanNumber(amountRial: number, language: Language): string {
  return new Intl.NumberFormat(language === 'fa' ? 'fa-IR' : 'en-US', { maximumFractionDigits: 1 }).format(
    amountRial / 10,
  );
}
