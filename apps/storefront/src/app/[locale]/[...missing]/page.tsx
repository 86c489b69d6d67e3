import { notFound } from 'next/navigation';

/** Any other address: the 404 page, within the shop's own frame. */
export default function Missing(): never {
  notFound();
}
