"""Who is asking: the one thing that every view of the desk is handed."""

from __future__ import annotations

from dataclasses import dataclass

from service.care.roles import MAY, Permission, Role
from service.records.clinics import Clinic


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody who is signed in. Every query takes `clinic_id` from here, never from a form or an address."""

    id: int
    name: str
    role: Role
    clinic: Clinic
    session_id: int

    @property
    def clinic_id(self) -> int:
        return self.clinic.id

    @property
    def actor(self) -> str:
        """How the audit names them."""
        return f"staff {self.id} {self.name}"

    def may(self, permission: Permission) -> bool:
        return permission in MAY[self.role]
