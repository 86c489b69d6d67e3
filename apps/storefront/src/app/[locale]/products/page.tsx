import type { Metadata } from 'next';
import { Listing } from '../../../components/listing.tsx';
import { languageOf, messagesOf } from '../../../lib/language.ts';

interface Props {
  params: Promise<{ locale: string }>;
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: messagesOf(languageOf((await params).locale)).list.title };
}

export default async function Products({ params, searchParams }: Props) {
  const language = languageOf((await params).locale);
  return <Listing language={language} search={await searchParams} title={messagesOf(language).list.title} />;
}
