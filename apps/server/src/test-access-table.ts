/**
 * Who may call what, written down by hand and not read from the contracts: a contract that opens an operation to one more is found here.
 * `yes` is let in; 401, 403 and 404 are what everybody else hears. `another` is a customer (or seller) who asks for what belongs to somebody
 * else: `404` as if it were missing, `own` only own things, `-` where nothing belongs to anybody. `counted` are the reads that show customers to
 * staff: each is counted, written down, and refused beyond a person's work.
 */
const table = `
                                     guest customer another seller support developer admin service counted
identity.requestOtp                  yes   yes      -       yes    yes     yes       yes   yes     -
identity.verifyOtp                   yes   yes      -       yes    yes     yes       yes   yes     -
identity.refreshSession              yes   yes      -       yes    yes     yes       yes   yes     -
identity.logout                      401   yes      -       yes    yes     yes       yes   403     -
identity.logoutAll                   401   yes      -       yes    yes     yes       yes   403     -
identity.listSessions                401   yes      own     yes    yes     yes       yes   403     -
identity.deleteSession               401   yes      404     yes    yes     yes       yes   403     -
identity.createWsTicket              401   yes      -       yes    yes     yes       yes   403     -
identity.setUserStatus               401   403      -       403    403     403       yes   yes     -
identity.setUserRoles                401   403      -       403    403     403       yes   yes     -
identity.ensureUser                  404   404      -       404    404     404       404   yes     -
identity.getUser                     404   404      -       404    404     404       404   yes     -
identity.getJwks                     404   404      -       404    404     404       404   yes     -
identity.listRevocations             404   404      -       404    404     404       404   yes     -
identity.checkSession                404   404      -       404    404     404       404   yes     -
identity.claimStaffView               404   404      -       404    404     404       404   yes    -
identity.recordViewedCustomers        404   404      -       404    404     404       404   yes    -
identity.redeemWsTicket              404   404      -       404    404     404       404   yes     -
identity.listAccountBreaches         401   403      -       403    403     yes       yes   403     -
identity.settleAccountBreach         401   403      -       403    403     403       yes   403     -
catalog.listProducts                 yes   yes      -       yes    yes     yes       yes   yes     -
catalog.listFeaturedProducts         yes   yes      -       yes    yes     yes       yes   yes     -
catalog.listFacets                   yes   yes      -       yes    yes     yes       yes   yes     -
catalog.getProductBySlug             yes   yes      -       yes    yes     yes       yes   yes     -
catalog.getProduct                   yes   yes      -       yes    yes     yes       yes   yes     -
catalog.suggest                      yes   yes      -       yes    yes     yes       yes   yes     -
catalog.listCategories               yes   yes      -       yes    yes     yes       yes   yes     -
catalog.getMedia                     yes   yes      -       yes    yes     yes       yes   yes     -
catalog.createProduct                401   403      -       yes    403     403       yes   yes     -
catalog.updateProduct                401   403      404     yes    403     403       yes   yes     -
catalog.updateVariant                401   403      404     yes    403     403       yes   yes     -
catalog.listProposals                401   403      own     yes    403     403       yes   403     -
catalog.reviewProduct                401   403      -       403    403     403       yes   403     -
catalog.createCategory               401   403      -       403    403     403       yes   yes     -
catalog.moveCategory                 401   403      -       403    403     403       yes   yes     -
catalog.uploadProductImage           401   403      404     yes    403     403       yes   yes     -
catalog.getPriceExplanation          yes   yes      -       yes    yes     yes       yes   yes     -
catalog.listRates                    401   403      -       403    403     403       yes   yes     -
catalog.setManualRate                401   403      -       403    403     403       yes   yes     -
catalog.clearManualRate              401   403      -       403    403     403       yes   yes     -
catalog.setPriceFormula              401   403      -       403    403     403       yes   yes     -
catalog.previewPriceChange           401   403      -       403    403     403       yes   yes     -
catalog.listPriceHistory             401   403      -       403    403     403       yes   yes     -
catalog.getVariants                  404   404      -       404    404     404       404   yes     -
catalog.findVariantBySku             404   404      -       404    404     404       404   yes     -
catalog.loadDemo                     404   404      -       404    404     404       404   yes     -
catalog.getCacheVersion              404   404      -       404    404     404       404   yes     -
catalog.listCatalogBreaches          401   403      -       403    403     yes       yes   403     -
catalog.settleCatalogBreach          401   403      -       403    403     403       yes   403     -
orders.getCart                       yes   yes      own     yes    yes     yes       yes   yes     -
orders.addCartItem                   yes   yes      -       yes    yes     yes       yes   yes     -
orders.updateCartItem                yes   yes      404     yes    yes     yes       yes   yes     -
orders.deleteCartItem                yes   yes      404     yes    yes     yes       yes   yes     -
orders.putCartCoupon                 yes   yes      -       yes    yes     yes       yes   yes     -
orders.deleteCartCoupon              yes   yes      -       yes    yes     yes       yes   yes     -
orders.checkout                      401   yes      -       403    403     403       403   403     -
orders.payOrder                      401   yes      404     403    403     403       403   403     -
orders.listOrders                    401   yes      own     403    403     403       403   403     -
orders.getOrder                      401   yes      404     403    403     403       403   403     -
orders.getOrderHistory               401   yes      404     403    403     403       403   403     -
orders.cancelOrder                   401   yes      404     403    403     403       403   403     -
orders.listAllOrders                 401   403      -       403    yes     403       yes   403     yes
orders.listOrderBreaches             401   403      -       403    403     yes       yes   403     -
orders.settleOrderBreach             401   403      -       403    403     403       yes   403     -
orders.updateOrderStatus             401   403      -       403    403     403       yes   403     -
orders.updateOrderTracking           401   403      -       403    yes     403       yes   403     -
orders.createCoupon                  401   403      -       403    403     403       yes   yes     -
orders.listCoupons                   401   403      -       403    403     403       yes   403     yes
orders.listCouponUses                401   403      -       403    403     403       yes   403     yes
orders.updateCoupon                  401   403      -       403    403     403       yes   403     -
orders.getPaidUnits                  404   404      -       404    404     404       404   yes     -
orders.reviveOrder                   404   404      -       404    404     404       404   yes     -
payments.handlePspCallback           yes   yes      -       yes    yes     yes       yes   yes     -
payments.handlePspWebhook            yes   yes      -       yes    yes     yes       yes   yes     -
payments.getPaymentLimits            401   yes      own     403    403     403       403   403     -
payments.setCustomerLevel            401   403      -       403    403     403       yes   403     -
payments.listAttempts                401   403      -       403    yes     403       yes   403     yes
payments.decideAttempt               401   403      -       403    403     403       yes   403     -
payments.getTransfer                 401   yes      404     403    403     403       403   403     -
payments.submitTransfer              401   yes      404     403    403     403       403   403     -
payments.listTransfers               401   403      -       403    yes     403       yes   403     yes
payments.decideTransfer              401   403      -       403    403     403       yes   403     -
payments.getOrderPayments            401   yes      404     403    403     403       403   403     -
payments.listPaymentMethods          yes   yes      -       yes    yes     yes       yes   yes     -
payments.getWallet                   401   yes      own     403    403     403       403   403     -
payments.listWalletEntries           401   yes      own     403    403     403       403   403     -
payments.topUpWallet                 401   yes      -       403    403     403       403   403     -
payments.listBankAccounts            401   yes      own     403    403     403       403   403     -
payments.addBankAccount              401   yes      -       403    403     403       403   403     -
payments.listWithdrawals             401   yes      own     403    403     403       403   403     -
payments.requestWithdrawal           401   yes      404     403    403     403       403   403     -
payments.cancelWithdrawal            401   yes      404     403    403     403       403   403     -
payments.listAllBankAccounts         401   403      -       403    yes     403       yes   403     yes
payments.verifyBankAccount           401   403      -       403    yes     403       yes   403     -
payments.listAllWithdrawals          401   403      -       403    yes     403       yes   403     yes
payments.decideWithdrawal            401   403      -       403    403     403       yes   403     -
payments.recordWithdrawalTransfer    401   403      -       403    403     403       yes   403     -
payments.requestRefund               401   403      -       403    yes     403       yes   403     -
payments.decideRefund                401   403      -       403    403     403       yes   403     -
payments.recordRefundTransfer        401   403      -       403    403     403       yes   403     -
payments.listRefunds                 401   403      -       403    yes     403       yes   403     yes
payments.getTrialBalance             401   403      -       403    403     403       yes   yes     -
payments.listLedgerCloses            401   403      -       403    403     403       yes   403     -
payments.getSalesReport              401   403      -       403    403     403       yes   403     -
payments.exportBooks                 401   403      -       403    403     403       yes   403     yes
payments.importSettlement            401   403      -       403    403     403       yes   403     -
payments.listSettlements             401   403      -       403    403     403       yes   403     -
payments.listSettlementDifferences   401   403      -       403    403     403       yes   403     -
payments.resolveSettlementDifference 401   403      -       403    403     403       yes   403     -
payments.listInvariantBreaches       401   403      -       403    403     yes       yes   403     -
payments.setPspEnabled               401   403      -       403    403     403       yes   403     -
payments.getOrderMoney               404   404      -       404    404     404       404   yes     -
payments.createIntent                404   404      -       404    404     404       404   yes     -
payments.startAttempt                404   404      -       404    404     404       404   yes     -
payments.closeIntent                 404   404      -       404    404     404       404   yes     -
inventory.listOrderKeys              401   yes      own     403    403     403       403   403     -
inventory.listOwnKeys                401   yes      own     403    403     403       403   403     -
inventory.revealKey                  401   yes      404     403    403     403       403   403     -
inventory.reportKey                  401   yes      404     403    403     403       403   403     -
inventory.checkGameAccount           yes   yes      -       yes    yes     yes       yes   yes     -
inventory.listComplaints             401   403      -       403    yes     403       yes   403     yes
inventory.listStockBreaches          401   403      -       403    403     yes       yes   403     -
inventory.settleStockBreach          401   403      -       403    403     403       yes   403     -
inventory.decideComplaint            401   403      -       403    403     403       yes   403     -
inventory.getComplaintPicture        401   403      -       403    yes     403       yes   403     yes
inventory.importKeys                 401   403      -       403    403     403       yes   yes     -
inventory.startKeyImport             401   403      -       403    403     403       yes   yes     -
inventory.addKeyImportLines          401   403      -       403    403     403       yes   yes     -
inventory.finishKeyImport            401   403      -       403    403     403       yes   yes     -
inventory.getKeyImport               401   403      -       403    403     403       yes   yes     -
inventory.listKeyImportVerdicts      401   403      -       403    403     403       yes   yes     -
inventory.listDigitalKeys            401   403      -       403    403     403       yes   403     -
inventory.getDigitalKey              401   403      -       403    403     403       yes   403     -
inventory.updateDigitalKey           401   403      -       403    403     403       yes   403     -
inventory.deleteDigitalKey           401   403      -       403    403     403       yes   403     -
inventory.revealDigitalKey           401   403      -       403    403     403       yes   403     -
inventory.listKeyBatches             401   403      -       403    403     403       yes   yes     -
inventory.updateKeyBatch             401   403      -       403    403     403       yes   yes     -
inventory.enterSuppliedCodes         401   403      -       403    403     403       yes   403     -
inventory.returnProcurement          401   403      -       403    403     403       yes   403     -
inventory.setSupplierOffer           401   403      -       403    403     403       yes   yes     -
inventory.listSuppliers              401   403      -       403    403     403       yes   403     -
inventory.listSupplierProducts       401   403      -       403    403     403       yes   yes     -
inventory.listSupplierCalls          401   403      -       403    403     yes       yes   403     -
inventory.replaySupplierCall         401   403      -       403    403     yes       yes   403     -
inventory.handleSupplierWebhook      yes   yes      -       yes    yes     yes       yes   yes     -
inventory.listProcurements           401   403      -       403    403     403       yes   403     -
inventory.reserveStock               404   404      -       404    404     404       404   yes     -
inventory.releaseStock               404   404      -       404    404     404       404   yes     -
inventory.withdrawKeys               404   404      -       404    404     404       404   yes     -
inventory.fulfillOrder               404   404      -       404    404     404       404   yes     -
inventory.getStock                   404   404      -       404    404     404       404   yes     -
notifications.listNotifications      401   yes      own     403    403     403       403   403     -
notifications.markNotificationsRead  401   yes      own     403    403     403       403   403     -
notifications.listMessages           401   403      -       403    yes     403       yes   403     yes
notifications.replayMessage          401   403      -       403    403     403       yes   403     -
notifications.sendOtp                404   404      -       404    404     404       404   yes     -
notifications.listFeedSince          404   404      -       404    404     404       404   yes     -
notifications.listMessageBreaches    401   403      -       403    403     yes       yes   403     -
notifications.settleMessageBreach    401   403      -       403    403     403       yes   403     -
`;

const [head = '', ...lines] = table.split('\n').filter((line) => line.trim() !== '');
export const columns = head.trim().split(/ +/);
export const expected = new Map(
  lines.map((line) => {
    const [name = '', ...cells] = line.trim().split(/ +/);
    return [name, Object.fromEntries(columns.map((column, index) => [column, cells[index] ?? '']))] as const;
  }),
);
