//! The wall between tenants: every function on tenant data takes a [`Scope`].

use kizuna_domain::ids::TenantId;

/// One tenant's data and nobody else's.
///
/// Made by whoever established which tenant a request or a run is for; passed on, never widened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scope(TenantId);

impl Scope {
    /// A scope for this tenant.
    pub const fn of(tenant: TenantId) -> Scope {
        Scope(tenant)
    }

    /// The tenant.
    pub const fn tenant(&self) -> TenantId {
        self.0
    }

    pub(crate) const fn bytes(&self) -> &[u8; 16] {
        self.0.bytes()
    }
}
