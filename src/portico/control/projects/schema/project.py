"""The whole of portico.yaml."""

from pydantic import Field

from portico.control.projects.schema import organisation as org
from portico.control.projects.schema.part import Part
from portico.control.projects.schema.platform import Encryption, Issuer, Tls
from portico.control.projects.schema.providers import Model, Provider
from portico.control.projects.schema.workloads import Workload
from portico.control.projects.units import Name


class Project(Part):
    project: Name = "default"
    providers: dict[Name, Provider] = Field(default_factory=dict)
    models: dict[Name, Model] = Field(default_factory=dict)
    workloads: dict[Name, Workload] = Field(default_factory=dict)
    tools: dict[Name, org.Tool] = Field(default_factory=dict)
    teams: dict[Name, org.Team] = Field(default_factory=dict)
    lanes: org.Lanes = Field(default_factory=org.Lanes)
    limits: org.Limits = Field(default_factory=org.Limits)
    budgets: dict[Name, org.Budget] = Field(default_factory=dict)
    oidc: dict[Name, Issuer] = Field(default_factory=dict)
    tls: Tls | None = None
    encryption: Encryption | None = None
    kpis: dict[Name, org.Kpi] = Field(default_factory=dict)
    webhooks: dict[Name, org.Webhook] = Field(default_factory=dict)
    retention: org.Retention | None = None
    currency: org.Currency | None = None
    durability: org.DurabilityWord = Field(default_factory=org.Durability)
