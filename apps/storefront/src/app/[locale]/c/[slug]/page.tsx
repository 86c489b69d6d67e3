import type { Metadata } from 'next';
import { notFound } from 'next/navigation';
import type { CategoryNode } from '@kelid/contracts/catalog';
import { orAway, unlessRefused } from '../../../../components/away.tsx';
import { Listing } from '../../../../components/listing.tsx';
import { catalog } from '../../../../lib/gateway.ts';
import { type Language, languageOf } from '../../../../lib/language.ts';

interface Props {
  params: Promise<{ locale: string; slug: string }>;
  searchParams: Promise<Record<string, string | string[] | undefined>>;
}

async function findCategory(language: Language, slug: string): Promise<CategoryNode | undefined> {
  const all = (nodes: CategoryNode[]): CategoryNode[] => nodes.flatMap((node) => [node, ...all(node.children)]);
  return all((await catalog.listCategories({ language })).items).find((node) => node.slug === slug);
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { locale, slug } = await params;
  const category = await unlessRefused(findCategory(languageOf(locale), slug));
  return category ? { title: category.title } : {};
}

export default async function Category({ params, searchParams }: Props) {
  const { locale, slug } = await params;
  const language = languageOf(locale);
  return orAway(language, async () => {
    const category = await findCategory(language, slug);
    if (!category) notFound();
    return <Listing language={language} search={await searchParams} category={slug} title={category.title} />;
  });
}
