import type { Messages } from './fa.ts';

export const en: Messages = {
  shop: { name: 'Kelid', tagline: 'Gift cards, games and game credits, delivered at once', description: 'Gift cards, game keys and credits, paid with an Iranian bank card and delivered in seconds.' },
  nav: {
    skip: 'Skip to content', search: 'Search', searchHint: 'Steam, PlayStation, UC…', products: 'All products', cart: 'Cart', orders: 'My orders', signIn: 'Sign in', signOut: 'Sign out',
    theme: 'Light or dark', language: 'فارسی', home: 'Home', menu: 'Categories',
  },
  home: {
    title: 'Your game key, right now', lead: 'Pay with your own bank card; the code is on the order page seconds later.', cta: 'See the products', platforms: 'What is it for?', best: 'Best sellers', credits: 'Game credits', games: 'PC and console games', all: 'See all',
    trust: [
      { title: 'Delivered at once', text: 'The code is ready the moment the bank confirms.' },
      { title: 'Your money is safe', text: 'Until you show the code, the money can go back to your wallet.' },
      { title: 'Price held', text: 'The price of your cart is held for 15 minutes.' },
      { title: 'No paperwork', text: 'A mobile number is all we ask for.' },
    ],
    howTitle: 'Three steps',
    how: ['Choose the product and the region of your account.', 'Sign in by SMS and pay at the bank.', 'See and copy the code on the order page.'],
  },
  list: {
    title: 'Products', results: 'Results for “{q}”', filters: 'Filters', platform: 'Platform', region: 'Region', type: 'Type', sort: 'Sort', stockOnly: 'In stock only', apply: 'Apply', clear: 'Clear', next: 'Next page', any: 'All', empty: 'Nothing found', emptyHint: 'Try another name, or clear the filters.', didYouMean: 'Did you mean “{q}”?', from: 'from', out: 'Sold out', priceMax: 'Highest price (Toman)',
    sorts: { relevance: 'Most relevant', newest: 'Newest', price: 'Cheapest', '-price': 'Dearest', title: 'A to Z' },
    types: { gift_card: 'Gift cards', game_key: 'Games', game_credit: 'Game credits', digital_item: 'Subscriptions and items' },
  },
  product: {
    region: 'Region', denomination: 'Amount', add: 'Add to cart', added: 'Added to the cart', goToCart: 'Go to cart', inStock: 'In stock, delivered at once', low: 'Only a few left', out: 'Sold out', held: 'This price is held for 15 minutes once it is in your cart.', guide: 'How to activate', about: 'About this product', refund: 'Refund rule', refundText: 'Until you show the code you can have your money back. After that, a code that does not work is replaced.', related: 'You may also want', regionNote: 'Your account must be in this region: {region}', globalNote: 'Works with accounts of every country.', failed: 'It was not added. Try again.', limit: 'One order cannot hold more of this.',
  },
  cart: {
    title: 'Cart', empty: 'Your cart is empty', emptyHint: 'Choose something; we hold its price for 15 minutes.', quantity: 'Quantity', remove: 'Remove', total: 'Total', held: 'Prices are held until {time}', checkout: 'Continue to payment', problems: { out_of_stock: 'This one has sold out.', price_changed: 'The price of this one has changed.', not_sold: 'This one is no longer sold.' }, more: 'More', less: 'Less', loading: 'Fetching your cart…',
  },
  signIn: {
    title: 'Sign in with your mobile', phone: 'Mobile number', phoneHint: 'e.g. 0912 345 6789', send: 'Send the code', codeTitle: 'Enter the code', codeSent: 'A six-digit code was sent to {phone}.', code: 'Code', verify: 'Sign in', resend: 'Send the code again', resendIn: 'Send again in {seconds} s', change: 'Change number', working: 'One moment…',
    errors: { 'identity.phone-not-accepted': 'Enter a whole Iranian mobile number.', 'identity.otp-too-soon': 'A code was just sent; wait a moment.', 'identity.otp-limited': 'Too many codes were asked for. Try later.', 'identity.otp-not-sent': 'The SMS was not sent. Try again in a minute.', 'identity.otp-wrong': 'This code is not right.', 'identity.otp_locked': 'Five wrong tries. Ask for a new code.', 'identity.otp_expired': 'This code is over. Ask for a new one.', other: 'No connection. Try again.' },
  },
  checkout: {
    title: 'Payment', contact: 'Receipt', email: 'E-mail for the receipt (optional)', bank: 'Bank', consent: 'I accept the purchase and refund rules.', pay: 'Pay {amount}', working: 'Going to the bank…', summary: 'Your order', noBank: 'No bank answers now. Try again in a few minutes.',
    errors: { 'orders.out_of_stock': 'Something has just sold out. Look at your cart.', 'orders.quote_expired': 'Prices have changed. Look at the new total and confirm again.', 'orders.cart-empty': 'Your cart is empty.', 'orders.too-many-pending': 'You have unpaid orders. Pay or cancel them first.', 'orders.checkout-failed': 'The order was not placed and nothing was charged. Try again.', other: 'Nothing was done or charged. Try again.' },
  },
  result: {
    confirming: 'Confirming with the bank…', confirmingText: 'This usually takes a few seconds. The page updates by itself.', success: 'Paid', successText: 'Your code is on its way.', failed: 'The payment did not go through', failedText: 'If money left your account it returns within 72 hours. Your order is still held.', unknown: 'We are asking the bank', unknownText: 'Please do not pay again. We tell you here and by SMS.', surplus: 'This payment went to your wallet', surplusText: 'The order was already paid or closed; {amount} is in your wallet.', neutral: 'We do not know this payment', neutralText: 'Look at your orders; any payment made is there.', again: 'Pay again', order: 'See the order', orders: 'My orders', reference: 'Reference', dead: 'This order is closed', deadText: 'Money that was paid returns to your account or wallet.',
  },
  order: {
    title: 'Order', list: 'My orders', none: 'No orders yet', steps: ['Bank confirmed', 'Payment recorded', 'Code secured', 'Delivered'], payNow: 'Pay', payBefore: 'You have until {time} to pay.', cancel: 'Cancel the order', cancelSure: 'Cancel this order?', keys: 'Your codes', reveal: 'Show code', revealSure: 'After showing the code, a refund needs checking. Show it?', yes: 'Yes, show it', no: 'Not now', copy: 'Copy', copied: 'Copied', total: 'Total', placed: 'Placed', guide: 'How to activate', reviewText: 'A person is looking at your order; we tell you by SMS.', scam: 'If someone asked you to buy this code for them, do not give it to them.', missing: 'No such order', failedReveal: 'The code was not shown. Try again.', loading: 'Fetching the order…', quantity: 'pcs',
    statuses: { placing: 'Being placed', pending_payment: 'Awaiting payment', paid: 'Paid', fulfilling: 'Being prepared', part_fulfilled: 'Partly delivered', fulfilled: 'Delivered', cancelled: 'Cancelled', expired: 'Expired', review: 'Under review', refunding: 'Being refunded', part_refunded: 'Partly refunded', refunded: 'Refunded' },
  },
  errors: { notFound: 'There is no such page', notFoundText: 'The address may have changed. Try the search.', away: 'The shop is away for a moment', awayText: 'We are on it. Open the page again in a minute.', retry: 'Again', home: 'Go home' },
  footer: { about: 'Kelid, digital game goods', rules: 'A code can be returned until it is shown.', api: 'For developers' },
  regions: { US: 'United States', TR: 'Türkiye', EU: 'Europe', AE: 'UAE', GB: 'United Kingdom', IN: 'India', GLOBAL: 'Global' },
  platforms: { steam: 'Steam', playstation: 'PlayStation', xbox: 'Xbox', nintendo: 'Nintendo', apple: 'Apple', google_play: 'Google Play', mobile: 'Mobile games', pc: 'PC', roblox: 'Roblox', discord: 'Discord' },
};
